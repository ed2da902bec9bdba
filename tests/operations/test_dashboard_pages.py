"""The dashboard in a browser: what it shows, to whom, and what its buttons do."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Broker, TradingAccount, TradingMode
from apps.accounts.roles import Role
from apps.accounts.services import credential_store
from apps.core.clock import now
from apps.core.models import AuditEvent
from apps.strategies.loading import strategy_load
from apps.strategies.models import Deployment
from apps.strategies.services import strategy_version_record
from tests.factories.accounts import BYBIT_VALUES, TradingAccountFactory
from tests.factories.marketdata import CandleFactory, InstrumentFactory
from tests.factories.orders import SignalOrderFactory
from tests.factories.positions import EquitySnapshotFactory, PositionFactory
from tests.factories.reconciliation import BreakFactory
from tests.factories.risk import KillSwitchFactory
from tests.factories.strategies import DeploymentFactory
from tests.sessions import person, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(account,)))


@pytest.fixture
def stranger() -> Client:
    return signed_in(person(Role.TRADER, member_of=(TradingAccountFactory(name="beta"),)))


@pytest.fixture
def deployment(account: TradingAccount) -> Deployment:
    return DeploymentFactory(
        name="cross",
        account=account,
        version=strategy_version_record(loaded=strategy_load("moving_average_cross")),
        parameters={"fast": 5, "slow": 13},
        instruments=[InstrumentFactory()],
    )


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def command(client: Client, deployment: Deployment, verb: str) -> Any:
    return client.post(f"/deployments/{deployment.pk}/{verb}/")


def state_of(deployment: Deployment) -> str:
    return Deployment.objects.get(pk=deployment.pk).state


def command_events() -> list[str]:
    rows = AuditEvent.objects.filter(action__startswith="deployment.").order_by("id")
    return list(rows.values_list("action", flat=True))


def test_a_traders_dashboard_shows_account_orders_positions_and_deployments(
    trader: Client, account: TradingAccount, deployment: Deployment
) -> None:
    EquitySnapshotFactory(account=account, cash=Decimal("12345.678"))
    order = SignalOrderFactory(risk_decision__signal__deployment=deployment)
    held = PositionFactory(deployment=deployment, quantity=Decimal("-1.5"))
    CandleFactory(instrument=held.instrument, close=Decimal(101))
    BreakFactory(account=account, description="cash of 100 USDT here, 99 USDT at the broker")
    page = text_of(trader.get("/"))

    for expected in (
        *("alpha", "12,345.68", "cross", order.client_order_id, held.instrument.symbol),
        *("\N{MINUS SIGN}1.5", "cash of 100 USDT here"),
    ):
        assert expected in page


def test_nothing_to_show_is_said_in_words(trader: Client) -> None:
    page = text_of(trader.get("/"))

    for expected in ("No strategy is deployed", "Flat: nothing is held", "Nothing is working"):
        assert expected in page
    assert "Open breaks" not in page


def test_a_member_of_nothing_is_told_whom_to_ask() -> None:
    page = text_of(signed_in(person(Role.TRADER)).get("/"))

    assert "An operator can add you to one" in page


def test_a_person_without_a_role_is_refused_with_whom_to_ask(account: TradingAccount) -> None:
    roleless = signed_in(person(member_of=(account,)))

    for page in ("/", "/dashboard/body/", "/dashboard/equity/alpha/", "/orders/"):
        response = roleless.get(page)
        assert response.status_code == 403
        assert "An operator can change your roles" in response.content.decode()


def test_the_polled_part_is_the_same_tables_without_the_page(
    trader: Client, deployment: Deployment
) -> None:
    part = text_of(trader.get("/dashboard/body/?account=alpha"))

    assert "cross" in part
    assert "<html" not in part
    assert 'id="dashboard-accounts" hx-swap-oob="innerHTML"' in part


@pytest.mark.parametrize(
    "page", ["/?account=alpha", "/dashboard/body/?account=alpha", "/dashboard/equity/alpha/"]
)
def test_an_account_of_others_is_not_found(
    stranger: Client, account: TradingAccount, page: str
) -> None:
    assert stranger.get(page).status_code == 404


def test_pages_with_figures_are_kept_in_no_cache(trader: Client) -> None:
    for page in ("/", "/dashboard/body/", "/dashboard/equity/alpha/"):
        assert "no-store" in trader.get(page)["Cache-Control"]


def test_the_curve_comes_as_seconds_and_equity(trader: Client, account: TradingAccount) -> None:
    snapshot = EquitySnapshotFactory(account=account, cash=Decimal("10.5"))
    curve = trader.get("/dashboard/equity/alpha/").json()

    assert curve == {
        "currency": "USDT",
        "points": [{"time": int(snapshot.as_of.timestamp()), "value": 10.5}],
    }
    assert trader.post("/dashboard/equity/alpha/").status_code == 405


@pytest.mark.parametrize("page", ["/", "/dashboard/body/"])
def test_a_page_costs_as_many_queries_for_ten_rows_as_for_one(
    trader: Client, account: TradingAccount, page: str
) -> None:
    def grow() -> None:
        SignalOrderFactory(risk_decision__signal__deployment__account=account)
        PositionFactory(
            deployment=DeploymentFactory(account=account, instruments=[InstrumentFactory()])
        )
        BreakFactory(account=account)
        EquitySnapshotFactory(account=account)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert trader.get(page).status_code == 200
        return len(queries)

    grow()
    first = cost()
    for _ in range(9):
        grow()
    assert cost() == first


def test_a_trader_starts_and_stops_a_deployment_of_their_account(
    trader: Client, deployment: Deployment
) -> None:
    response = command(trader, deployment, "start")
    assert response["Location"] == "/?account=alpha"
    assert messages_of(response) == ["cross has started."]
    assert state_of(deployment) == "RUNNING"

    response = command(trader, deployment, "stop")
    assert "Its position stays with its exits" in messages_of(response)[-1]
    assert state_of(deployment) == "STOPPED"
    assert command_events() == ["deployment.started", "deployment.stopped"]
    assert AuditEvent.objects.latest("id").reason == "from the dashboard"


def test_a_refusal_is_shown_and_changes_nothing(trader: Client, deployment: Deployment) -> None:
    response = command(trader, deployment, "stop")

    assert messages_of(response) == ["cross: cross is stopped already"]
    assert "cross is stopped already" in text_of(trader.get("/"))
    assert command_events() == []


def test_a_strategy_that_cannot_be_loaded_is_not_started(
    trader: Client, account: TradingAccount
) -> None:
    broken = DeploymentFactory(account=account, instruments=[InstrumentFactory()])
    response = command(trader, broken, "start")

    assert messages_of(response)[0].startswith(f"{broken}: ")
    assert state_of(broken) == "STOPPED"


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_deployment_of_others_is_not_found(
    stranger: Client, deployment: Deployment, verb: str
) -> None:
    assert command(stranger, deployment, verb).status_code == 404
    assert command_events() == []


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
def test_roles_that_only_look_start_nothing_and_are_shown_no_button(
    deployment: Deployment, role: Role
) -> None:
    looker = signed_in(person(role))

    assert command(looker, deployment, "start").status_code == 403
    assert state_of(deployment) == "STOPPED"
    page = text_of(looker.get("/"))
    assert "cross" in page
    assert "Start cross" not in page


def test_risk_staff_stop_what_runs_anywhere(deployment: Deployment) -> None:
    Deployment.objects.update(state="RUNNING")

    command(signed_in(person(Role.RISK)), deployment, "stop")
    assert state_of(deployment) == "STOPPED"


def test_a_trader_pauses_and_resumes_with_what_the_policy_says(
    trader: Client, deployment: Deployment
) -> None:
    Deployment.objects.update(state="RUNNING", on_pause="CLOSE")
    page = text_of(trader.get("/"))
    assert "Paper" in page
    assert "Pause cross" in page
    assert "Start cross" not in page
    assert messages_of(command(trader, deployment, "pause")) == [
        "cross is paused. Its position is closed."
    ]
    assert state_of(deployment) == "PAUSED"
    assert f"closing {deployment.instruments.get()}: it was paused" in text_of(trader.get("/"))
    assert messages_of(command(trader, deployment, "resume")) == ["cross goes on."]
    assert state_of(deployment) == "RUNNING"


def test_live_money_is_submitted_by_one_person_and_approved_by_another(
    trader: Client, deployment: Deployment
) -> None:
    Deployment.objects.update(mode="LIVE", on_stop="CLOSE")
    TradingAccount.objects.update(mode="LIVE", broker="BYBIT")
    assert "Start cross" not in text_of(trader.get("/"))
    command(trader, deployment, "submit")
    page = text_of(trader.get("/"))
    assert "Awaiting approval" in page
    assert "Approve cross" not in page
    assert command(trader, deployment, "approve").status_code == 403
    risk = signed_in(person(Role.RISK))
    assert "Approve cross" in text_of(risk.get("/"))
    assert messages_of(command(risk, deployment, "approve")) == [
        "cross is approved and trades live money."
    ]
    assert state_of(deployment) == "RUNNING"
    assert "Live" in text_of(trader.get("/"))


def test_who_submits_is_not_offered_to_approve(deployment: Deployment) -> None:
    Deployment.objects.update(mode="LIVE")
    TradingAccount.objects.update(mode="LIVE", broker="BYBIT")
    risk = signed_in(person(Role.RISK))
    command(risk, deployment, "submit")
    assert "Approve cross" not in text_of(risk.get("/"))
    assert "live money needs two people" in messages_of(command(risk, deployment, "approve"))[-1]
    assert state_of(deployment) == "AWAITING_APPROVAL"


def test_compliance_declines_though_it_starts_nothing(
    trader: Client, deployment: Deployment
) -> None:
    Deployment.objects.update(mode="LIVE")
    TradingAccount.objects.update(mode="LIVE", broker="BYBIT")
    command(trader, deployment, "submit")
    compliance = signed_in(person(Role.COMPLIANCE))
    assert "Decline cross" in text_of(compliance.get("/"))
    command(compliance, deployment, "decline")
    assert state_of(deployment) == "DRAFT"


def test_a_link_starts_nothing(trader: Client, deployment: Deployment) -> None:
    assert trader.get(f"/deployments/{deployment.pk}/start/").status_code == 405
    assert state_of(deployment) == "STOPPED"


def test_a_form_of_another_site_starts_nothing(
    account: TradingAccount, deployment: Deployment
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in(person(Role.TRADER, member_of=(account,))).cookies

    assert command(strict, deployment, "start").status_code == 403
    assert state_of(deployment) == "STOPPED"


def test_a_stranger_is_asked_to_sign_in_before_a_command(
    client: Client, deployment: Deployment
) -> None:
    response = command(client, deployment, "start")

    assert response["Location"].startswith("/sign-in/?next=")
    assert state_of(deployment) == "STOPPED"


@pytest.mark.parametrize("scope", ["desk", "account"])
def test_a_kill_switch_that_holds_the_account_halts_it_in_words(
    trader: Client, account: TradingAccount, scope: str
) -> None:
    switch = KillSwitchFactory(account=account if scope == "account" else None, reason="runaway")
    shown = text_of(trader.get("/"))
    assert "desk-badge-bad" in shown
    assert "Halted" in shown
    assert f"/kill-switch/{switch.pk}/" in shown
    assert "runaway" in shown


def test_a_kill_switch_elsewhere_or_released_is_not_told(
    trader: Client, account: TradingAccount
) -> None:
    KillSwitchFactory(account=TradingAccountFactory(), reason="another account")
    KillSwitchFactory(
        account=account,
        state="RELEASED",
        reason="long ago",
        release_requested_by=person(Role.RISK),
        released_by=person(Role.RISK),
    )
    shown = text_of(trader.get("/"))
    assert "Halted" not in shown
    assert "Nothing is sent" not in shown


def test_a_kill_switch_of_one_deployment_is_told_and_leaves_the_account_active(
    trader: Client, deployment: Deployment
) -> None:
    KillSwitchFactory(deployment=deployment, account=None, reason="this one alone")
    shown = text_of(trader.get("/"))
    assert "this one alone" in shown
    assert "Halted" not in shown


def test_a_key_that_ends_soon_is_told_to_who_sees_its_account(stranger: Client) -> None:
    account = TradingAccountFactory(name="testnet", broker=Broker.BYBIT, mode=TradingMode.TEST)
    credential_store(
        account=account, values=BYBIT_VALUES, expires_at=now() + timedelta(days=5, hours=1)
    )
    shown = text_of(signed_in(person(Role.TRADER, member_of=(account,))).get("/"))
    assert "The key …ests of testnet ends on" in shown
    assert BYBIT_VALUES["api_secret"] not in shown
    assert "testnet" not in text_of(stranger.get("/"))
