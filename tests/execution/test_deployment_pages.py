"""The list of deployments and the page of one: what they show, to whom, and the steps from it."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from apps.core.models import AuditEvent
from apps.execution.services.webhooks import webhook_open
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment
from apps.strategies.services import (
    closing_request,
    deployment_start,
    deployment_submit,
    strategy_version_record,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.execution import DeploymentCursorFactory
from tests.factories.marketdata import CandleFactory, InstrumentFactory
from tests.factories.orders import OrderGroupFactory, SignalOrderFactory
from tests.factories.positions import PositionFactory
from tests.factories.risk import RiskDecisionFactory, TradingStateFactory
from tests.factories.strategies import DeploymentFactory, SignalFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db
URL = "/deployments/"


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(account,)))


@pytest.fixture
def stranger() -> Client:
    return signed_in(person(Role.TRADER, member_of=(TradingAccountFactory(name="beta"),)))


def deployed(account: TradingAccount, name: str = "trend", **fields: Any) -> Deployment:
    strategy = fields.pop("strategy", "moving_average_cross")
    values = {
        "name": name,
        "account": account,
        "mode": account.mode,
        "version": strategy_version_record(loaded=strategy_load(strategy)),
        "parameters": {"fast": 5, "slow": 13} if strategy == "moving_average_cross" else {},
        "instruments": [InstrumentFactory()],
        "state": "DRAFT",
        **fields,
    }
    return DeploymentFactory(**values)


def page_of(deployment: Deployment) -> str:
    return f"{URL}{deployment.pk}/"


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


class TestList:
    def test_deployments_of_the_persons_accounts_by_name(
        self, trader: Client, account: TradingAccount
    ) -> None:
        later, first = deployed(account, "zulu"), deployed(account, "alpha-one")
        deployed(TradingAccountFactory(), "of-others")
        response = trader.get(URL)
        assert list(response.context["page"]) == [first, later]
        assert "no-store" in response["Cache-Control"]
        assert f'href="{page_of(first)}"' in text_of(response)

    def test_it_shows_the_state_with_its_reason_and_the_last_bar(
        self, trader: Client, account: TradingAccount
    ) -> None:
        failed = deployed(account, state="FAILED", state_reason="the strategy raised")
        cursor = DeploymentCursorFactory(deployment=failed)
        TradingStateFactory(account=None, deployment=failed, state="HALTED")
        closing_request(
            deployment=failed, instrument=failed.instruments.get(), reason="it failed", actor=None
        )
        page = text_of(trader.get(URL))
        for expected in (
            *("the strategy raised", "Failed</span>", "Halted</span>", "closing "),
            f"{cursor.bar_open_at:%Y-%m-%d %H:%M:%S}",
        ):
            assert expected in page

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("state=PAUSED", ["calm"]),
            ("account=second", ["other"]),
            ("account=alpha&state=DRAFT", ["trend"]),
            ("state=STOPPED", []),
        ],
    )
    def test_it_is_filtered_by_account_and_state(
        self, trader: Client, account: TradingAccount, query: str, names: list[str]
    ) -> None:
        second = TradingAccountFactory(name="second")
        trader_user = account.memberships.get().user
        trader_user.memberships.create(account=second)
        deployed(account, "trend")
        deployed(account, "calm", state="PAUSED")
        deployed(second, "other")
        response = trader.get(f"{URL}?{query}")
        assert [each.name for each in response.context["page"]] == names
        assert ("No deployments fit." in text_of(response)) is (not names)

    def test_a_filter_that_makes_no_sense_shows_nothing_and_says_why(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployed(account)
        response = trader.get(f"{URL}?account=beta&state=DREAMING")
        assert not response.context["page"]
        assert "Select a valid choice" in text_of(response)

    def test_an_empty_desk_says_so(self, trader: Client) -> None:
        page = text_of(trader.get(URL))
        assert "No strategy is deployed on your accounts yet." in page
        assert "Deploy a strategy" in page

    def test_a_page_is_left_with_its_filter_kept(
        self, trader: Client, account: TradingAccount
    ) -> None:
        for number in range(51):
            DeploymentFactory(name=f"d-{number:02}", account=account)
        page = text_of(trader.get(f"{URL}?account=alpha"))
        assert 'href="?account=alpha&amp;state=&amp;page=2"' in page
        second = trader.get(f"{URL}?account=alpha&page=2")
        assert [each.name for each in second.context["page"]] == ["d-50"]

    def test_it_costs_as_many_queries_for_ten_as_for_one(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployed(account)
        first = queries_of(trader, URL)
        for number in range(9):
            more = deployed(account, f"more-{number}")
            DeploymentCursorFactory(deployment=more)
        assert queries_of(trader, URL) == first


class TestDetail:
    def test_it_shows_settings_standing_signals_and_history(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployment = deployed(account, sizing_cap_ratio=Decimal("0.3"), on_stop="CLOSE")
        instrument = deployment.instruments.get()
        deployment_start(deployment=deployment, reason="all is tested")
        cursor = DeploymentCursorFactory(
            deployment=deployment, instrument=instrument, bars_seen=1234
        )
        CandleFactory(instrument=instrument, timeframe="5m", close=Decimal(101), high=Decimal(101))
        PositionFactory(
            deployment=deployment,
            instrument=instrument,
            quantity=Decimal(-2),
            average_entry_price=Decimal(100),
            realized_pnl=Decimal("7.5"),
        )
        order = SignalOrderFactory(
            risk_decision__signal__deployment=deployment,
            risk_decision__signal__instrument=instrument,
        )
        RiskDecisionFactory(
            signal=SignalFactory(deployment=deployment, instrument=instrument),
            outcome="DENIED",
            check_name="daily_loss",
            reason="the day has lost 300",
        )
        SignalFactory(deployment=deployment, instrument=instrument, action="EXIT")
        group = OrderGroupFactory(account=account, deployment=deployment, instrument=instrument)
        closing_request(
            deployment=deployment, instrument=instrument, reason="it was halted", actor=None
        )
        page = text_of(trader.get(page_of(deployment)))
        for expected in (
            *("all is tested", "Paper</span>", "<dt>fast</dt><dd>5</dd>", ">0.3</span>"),
            *(
                "<dt>On stop</dt><dd>close the position</dd>",
                ">1,234</span>",
                "\N{MINUS SIGN}2</span>",
            ),
            *(f"{cursor.bar_open_at:%Y-%m-%d %H:%M:%S}", ">+7.5</span>"),
            *(order.client_order_id, f"/orders/{order.pk}/", f"/orders/groups/{group.pk}/"),
            *("daily_loss: the day has lost 300", "Allowed</span>", "not asked"),
            *("it was halted", "<strong>Started</strong>"),
        ):
            assert expected in page
        assert ">\N{MINUS SIGN}2</span></td>" in page  # the short has lost one on each of two units
        assert "Webhook" not in page
        assert "<script>" not in page
        assert "style=" not in page

    def test_a_draft_says_that_there_is_nothing_yet(
        self, trader: Client, account: TradingAccount
    ) -> None:
        page = text_of(trader.get(page_of(deployed(account))))
        for expected in ("Nothing is working.", "It has wanted nothing yet.", "flat"):
            assert expected in page

    def test_the_polled_part_comes_without_the_page(
        self, trader: Client, account: TradingAccount
    ) -> None:
        part = text_of(trader.get(f"{page_of(deployed(account))}body/"))
        assert "trend" in part
        assert "<html" not in part

    def test_external_signals_show_their_webhook_and_no_secret(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployment = deployed(account, strategy="external_signals")
        assert "manage.py webhook open trend" in text_of(trader.get(page_of(deployment)))
        webhook = webhook_open(deployment=deployment, takes_passphrase=True, actor=None)
        page = text_of(trader.get(page_of(deployment)))
        assert f"{webhook.public_id}/" in page
        assert "or a passphrase in the message" in page

    @pytest.mark.parametrize("part", ["", "body/"])
    def test_a_stranger_finds_nothing_and_who_lacks_the_role_is_refused(
        self, stranger: Client, account: TradingAccount, part: str
    ) -> None:
        url = f"{page_of(deployed(account))}{part}"
        assert stranger.get(url).status_code == 404
        assert signed_in(person(member_of=(account,))).get(url).status_code == 403
        assert signed_in(person(Role.AUDITOR)).get(url).status_code == 200

    def test_it_costs_as_many_queries_for_ten_of_everything_as_for_one(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployment = deployed(account)

        def grow() -> None:
            instrument = InstrumentFactory()
            deployment.instruments.add(instrument)
            DeploymentCursorFactory(deployment=deployment, instrument=instrument)
            PositionFactory(deployment=deployment, instrument=instrument)
            CandleFactory(instrument=instrument, timeframe="5m")
            SignalOrderFactory(
                risk_decision__signal__deployment=deployment,
                risk_decision__signal__instrument=instrument,
            )
            OrderGroupFactory(account=account, deployment=deployment, instrument=instrument)
            closing_request(deployment=deployment, instrument=instrument, reason="test", actor=None)

        grow()
        first = queries_of(trader, page_of(deployment))
        for _ in range(9):
            grow()
        assert queries_of(trader, page_of(deployment)) == first


class TestSteps:
    def take(self, client: Client, deployment: Deployment, verb: str, **form: str) -> Any:
        return client.post(f"{URL}{deployment.pk}/{verb}/", {"back": "deployment", **form})

    @pytest.mark.parametrize(
        ("state", "offered"),
        [
            ("DRAFT", {"start"}),
            ("RUNNING", {"pause", "stop"}),
            ("PAUSED", {"resume", "stop"}),
            ("STOPPED", {"start"}),
            ("FAILED", {"start", "stop"}),
        ],
    )
    def test_the_steps_that_are_open_now_are_offered(
        self, trader: Client, account: TradingAccount, state: str, offered: set[str]
    ) -> None:
        deployment = deployed(account, state=state)
        page = text_of(trader.get(page_of(deployment)))
        steps = ("start", "submit", "approve", "decline", "pause", "resume", "stop")
        assert {step for step in steps if f'id="{step}-{deployment.pk}"' in page} == offered

    def test_a_step_is_taken_with_its_reason_and_leads_back(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployment = deployed(account)
        response = self.take(trader, deployment, "start", reason=" tested for a month ")
        assert response["Location"] == page_of(deployment)
        deployment.refresh_from_db()
        assert (deployment.state, deployment.state_reason) == ("RUNNING", "tested for a month")
        self.take(trader, deployment, "stop")
        assert AuditEvent.objects.latest("pk").reason == "from its page"

    def test_a_step_that_is_not_open_any_more_is_refused_in_words(
        self, trader: Client, account: TradingAccount
    ) -> None:
        deployment = deployed(account)
        before = AuditEvent.objects.count()
        response = self.take(trader, deployment, "pause")
        said = [str(each) for each in get_messages(response.wsgi_request)]
        assert "is a draft; start it" in said[0]
        assert AuditEvent.objects.count() == before
        assert response["Location"] == page_of(deployment)

    def test_an_auditor_is_offered_no_step(self, account: TradingAccount) -> None:
        page = text_of(signed_in(person(Role.AUDITOR)).get(page_of(deployed(account))))
        assert "Steps that it can take" not in page
        assert "Deploy a strategy" not in page

    def test_live_money_is_approved_by_somebody_else_on_the_page(self) -> None:
        live = TradingAccountFactory(name="live", broker="BYBIT", mode="LIVE")
        trader = person(Role.TRADER, member_of=(live,))
        deployment = deployed(live)
        deployment_submit(deployment=deployment, actor=trader)
        page = text_of(signed_in(trader).get(page_of(deployment)))
        assert "You submitted it; somebody else has to approve it." in page
        assert f'id="approve-{deployment.pk}"' not in page
        officer = signed_in(person(Role.COMPLIANCE))
        assert f'id="approve-{deployment.pk}"' in text_of(officer.get(page_of(deployment)))
        self.take(officer, deployment, "approve", reason="reviewed")
        deployment.refresh_from_db()
        assert (deployment.state, deployment.state_reason) == ("RUNNING", "reviewed")
