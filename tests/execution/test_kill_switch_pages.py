"""The pages of the kill switch: who stops what, who sees it, and that two people release it."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount, User
from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.risk.models import KillSwitch
from apps.risk.services import kill_switch_engage, kill_switch_release_request
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.risk import KillSwitchFactory
from tests.factories.strategies import DeploymentFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
URL = "/kill-switch/"
SURE = {"reason": "runaway", "confirms": "on"}


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> User:
    return person(Role.TRADER, member_of=(account,))


@pytest.fixture
def risk() -> User:
    return person(Role.RISK)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def page_of(switch: KillSwitch) -> str:
    return f"{URL}{switch.pk}/"


def step(user: User, switch: KillSwitch, verb: str, **values: str) -> Any:
    return signed_in(user).post(f"{page_of(switch)}{verb}/", values)


def state_of(switch: KillSwitch) -> str:
    return KillSwitch.objects.get(pk=switch.pk).state


class TestEngaging:
    def test_a_trader_stops_an_account_of_theirs_and_sees_how_it_goes(
        self, trader: User, account: TradingAccount
    ) -> None:
        client = signed_in(trader)
        response = client.post(URL, {**SURE, "account": "alpha", "flattens": "on"})
        switch = KillSwitch.objects.get()
        assert response["Location"] == page_of(switch)
        assert (switch.account, switch.engaged_by) == (account, trader)
        assert (switch.flattens, switch.is_drill, switch.reason) == (True, False, "runaway")
        page = text_of(client.get(page_of(switch)))
        assert "Kill switch" in page
        assert "not confirmed yet" in page
        assert trader.email in page

    def test_risk_staff_stop_the_whole_desk(self, risk: User) -> None:
        signed_in(risk).post(URL, SURE)
        assert KillSwitch.objects.get().scope == "the desk"

    @pytest.mark.parametrize("scope", ["deployment", "strategy_name", "instrument"])
    def test_every_scope_can_be_named(self, risk: User, scope: str) -> None:
        deployment, instrument = DeploymentFactory(), InstrumentFactory()
        named = {
            "deployment": deployment.name,
            "strategy_name": deployment.version.name,
            "instrument": instrument.symbol,
        }
        signed_in(risk).post(URL, {**SURE, scope: named[scope]})
        switch = KillSwitch.objects.get()
        assert str(getattr(switch, scope)) == named[scope]

    @pytest.mark.parametrize(
        ("asked", "complaint"),
        [
            ({"confirms": "on", "account": "alpha"}, "This field is required"),
            ({"reason": "x", "account": "alpha"}, "Tick this"),
            (SURE, "Name one of your accounts"),
            ({**SURE, "account": "beta"}, "Select a valid choice"),
            ({**SURE, "account": "alpha", "instrument": "NO:SUCH"}, "There is no such instrument"),
            ({**SURE, "account": "alpha", "reason": "x" * 401}, "at most 400 characters"),
        ],
    )
    def test_what_is_not_clear_stops_nothing(
        self, trader: User, asked: dict[str, str], complaint: str
    ) -> None:
        TradingAccountFactory(name="beta")
        response = signed_in(trader).post(URL, asked)
        assert response.status_code == 422
        assert complaint in text_of(response)
        assert not KillSwitch.objects.exists()
        assert not AuditEvent.objects.filter(action__startswith="kill_switch").exists()

    def test_scopes_that_exclude_each_other_are_refused_on_the_page(
        self, risk: User, account: TradingAccount
    ) -> None:
        other = DeploymentFactory()
        response = signed_in(risk).post(URL, {**SURE, "account": "alpha", "deployment": other.name})
        assert f"{other} trades on {other.account}, not on alpha" in text_of(response)
        assert not KillSwitch.objects.exists()

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
    def test_others_look_and_stop_nothing(self, role: Role) -> None:
        client = signed_in(person(role))
        assert 'id="engage"' not in text_of(client.get(URL))
        assert client.post(URL, SURE).status_code == 403
        assert not KillSwitch.objects.exists()


class TestSeeing:
    def test_a_trader_sees_what_holds_their_accounts_and_the_desk_alone(
        self, trader: User, account: TradingAccount
    ) -> None:
        own = KillSwitchFactory(account=account, reason="mine")
        desk = KillSwitchFactory(account=None, reason="everyone")
        theirs = KillSwitchFactory(reason="somebody else")
        client = signed_in(trader)
        for url in (URL, f"{URL}body/"):
            page = text_of(client.get(url))
            assert "mine" in page
            assert "everyone" in page
            assert "somebody else" not in page
        assert client.get(page_of(own)).status_code == 200
        assert client.get(page_of(desk)).status_code == 200
        assert client.get(page_of(theirs)).status_code == 404
        assert client.get(f"{page_of(theirs)}body/").status_code == 404

    def test_progress_and_drill_results_are_shown(self, risk: User) -> None:
        report = {
            "working_orders_left": 12,
            "orders_canceled": 488,
            "first_cancel_seconds": 0.05,
            "last_cancel_seconds": 1.5,
            "list_empty_seconds": None,
            "troubles": ["alpha: Throttled: too many requests"],
            "accounts": {"alpha": {"orders_left": 12, "clear_seconds": None}},
        }
        switch = KillSwitchFactory(report=report)
        client = signed_in(risk)
        assert "12 left" in text_of(client.get(URL))
        page = text_of(client.get(f"{page_of(switch)}body/"))
        assert "Drill" in page
        assert "too many requests" in page
        assert "488" in page

    @pytest.mark.parametrize("url", [URL, f"{URL}body/"])
    def test_it_costs_the_same_number_of_queries_however_many_there_are(
        self, risk: User, url: str
    ) -> None:
        client, people = signed_in(risk), (UserFactory(), UserFactory())
        released = {
            "state": "RELEASED",
            "release_requested_by": people[0],
            "released_by": people[1],
        }

        def cost() -> int:
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            return len(queries)

        def add(count: int) -> None:
            for _ in range(count):
                deployment = DeploymentFactory()
                scope = {"deployment": deployment, "instrument": InstrumentFactory()}
                KillSwitchFactory(**scope, engaged_by=people[0])
                KillSwitchFactory(**scope, **released)

        add(1)
        before = cost()
        add(4)
        assert cost() == before

    def test_a_stranger_is_asked_to_sign_in(self) -> None:
        switch = KillSwitchFactory()
        for url in (URL, f"{URL}body/", page_of(switch)):
            assert Client().get(url).status_code == 302

    def test_the_page_is_in_the_navigation(self, trader: User) -> None:
        assert f'href="{URL}"' in text_of(signed_in(trader).get("/"))


class TestReleasing:
    @pytest.fixture
    def switch(self) -> KillSwitch:
        return kill_switch_engage(actor=None, reason="runaway")

    def test_two_people_release_it(self, risk: User, switch: KillSwitch) -> None:
        second = person(Role.COMPLIANCE)
        step(risk, switch, "request", reason="repaired")
        assert state_of(switch) == "RELEASE_REQUESTED"
        page = text_of(signed_in(second).get(page_of(switch)))
        assert "Approve the release" in page
        assert "repaired" in page
        response = step(second, switch, "approve")
        assert messages_of(response) == ["the desk is released: orders may be sent again."]
        assert state_of(switch) == "RELEASED"
        assert "Approve" not in text_of(signed_in(second).get(page_of(switch)))

    def test_whoever_asked_is_not_offered_the_approval_and_is_refused_it(
        self, risk: User, switch: KillSwitch
    ) -> None:
        kill_switch_release_request(switch=switch, actor=risk, reason="repaired")
        page = text_of(signed_in(risk).get(page_of(switch)))
        assert "Approve the release" not in page
        assert "somebody else has to approve it" in page
        response = step(risk, switch, "approve")
        assert "another person" in messages_of(response)[0]
        assert state_of(switch) == "RELEASE_REQUESTED"

    def test_it_can_be_left_engaged(self, risk: User, switch: KillSwitch) -> None:
        kill_switch_release_request(switch=switch, actor=UserFactory(), reason="repaired")
        assert messages_of(step(risk, switch, "decline", reason="no")) == ["It stays engaged."]
        assert state_of(switch) == "ENGAGED"

    def test_a_request_needs_a_reason(self, risk: User, switch: KillSwitch) -> None:
        assert "needs a reason" in messages_of(step(risk, switch, "request", reason=" "))[0]
        assert state_of(switch) == "ENGAGED"

    @pytest.mark.parametrize("role", [Role.TRADER, Role.OPERATOR, Role.AUDITOR])
    @pytest.mark.parametrize("verb", ["request", "approve", "decline"])
    def test_others_release_nothing(self, switch: KillSwitch, role: Role, verb: str) -> None:
        kill_switch_release_request(switch=switch, actor=UserFactory(), reason="repaired")
        user = person(role)
        assert "Approve the release" not in text_of(signed_in(user).get(page_of(switch)))
        assert step(user, switch, verb, reason="x").status_code == 403
        assert state_of(switch) == "RELEASE_REQUESTED"


class TestAdmin:
    """The same in the admin, where compliance staff work."""

    CHANGE_LIST = "/admin/risk/killswitch/"

    @staticmethod
    def act(user: User, action: str, switch: KillSwitch) -> Any:
        chosen = {"action": action, "_selected_action": [switch.pk]}
        return signed_in(user).post(TestAdmin.CHANGE_LIST, chosen)

    def test_it_is_engaged_there(self) -> None:
        user = person(Role.COMPLIANCE, is_staff=True)
        signed_in(user).post(f"{self.CHANGE_LIST}add/", {"reason": "runaway", "flattens": "on"})
        switch = KillSwitch.objects.get()
        assert (switch.engaged_by, switch.flattens, switch.scope) == (user, True, "the desk")
        assert AuditEvent.objects.filter(action="kill_switch.engaged").count() == 1

    def test_two_people_release_it_there(self) -> None:
        switch = kill_switch_engage(actor=None, reason="runaway")
        first, second = (person(Role.RISK, is_staff=True) for _ in range(2))
        self.act(first, "request_release", switch)
        refused = self.act(first, "approve_release", switch)
        assert "another person" in messages_of(refused)[-1]
        assert state_of(switch) == "RELEASE_REQUESTED"
        self.act(second, "approve_release", switch)
        assert state_of(switch) == "RELEASED"

    def test_someone_without_the_right_releases_nothing_there(self) -> None:
        switch = kill_switch_engage(actor=None, reason="runaway")
        self.act(person(Role.AUDITOR, is_staff=True), "request_release", switch)
        assert state_of(switch) == "ENGAGED"
