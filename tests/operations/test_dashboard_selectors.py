"""What the dashboard reads, and for whom."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import TradingAccount, User
from apps.accounts.roles import Role
from apps.operations import selectors
from apps.operations.selectors import AccountSummary, Dashboard, dashboard_for, equity_curve
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import CandleFactory, InstrumentFactory
from tests.factories.orders import OrderFactory, SignalOrderFactory
from tests.factories.positions import EquitySnapshotFactory, PositionFactory
from tests.factories.reconciliation import BreakFactory, ReconciliationRunFactory
from tests.factories.risk import TradingStateFactory
from tests.factories.strategies import DeploymentFactory
from tests.sessions import person

pytestmark = pytest.mark.django_db
D = Decimal
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def trader(account: TradingAccount) -> User:
    return person(Role.TRADER, member_of=(account,))


def shown(user: User, account_name: str | None = None) -> Dashboard:
    dashboard = dashboard_for(user, account_name=account_name)
    assert dashboard is not None
    return dashboard


def summary(user: User) -> AccountSummary:
    chosen = shown(user).chosen
    assert chosen is not None
    return chosen


def test_nobody_and_a_member_of_nothing_have_an_empty_dashboard() -> None:
    for user in (AnonymousUser(), person(Role.TRADER)):
        dashboard = dashboard_for(user, account_name=None)
        assert dashboard == Dashboard(
            accounts=[],
            chosen=None,
            positions=[],
            orders=[],
            deployments=[],
            breaks=[],
            kill_switches=[],
            warnings=[],
        )


def test_the_first_account_by_name_is_shown_unless_another_is_named(
    account: TradingAccount,
) -> None:
    beta = TradingAccountFactory(name="beta")
    user = person(Role.TRADER, member_of=(beta, account))

    assert [each.name for each in shown(user).accounts] == ["alpha", "beta"]
    assert summary(user).name == "alpha"
    named = shown(user, "beta").chosen
    assert named is not None
    assert named.name == "beta"


@pytest.mark.parametrize("name", ["beta", "nowhere", ""])
def test_an_account_of_others_does_not_exist(trader: User, name: str) -> None:
    TradingAccountFactory(name="beta")

    assert dashboard_for(trader, account_name=name) is None


def test_rows_of_other_accounts_are_left_out(trader: User) -> None:
    other = TradingAccountFactory(name="beta")
    PositionFactory(deployment__account=other)
    OrderFactory(account=other)
    BreakFactory(account=other)
    dashboard = shown(trader)

    assert (dashboard.positions, dashboard.orders) == ([], [])
    assert (dashboard.deployments, dashboard.breaks) == ([], [])


def test_before_the_first_snapshot_there_are_no_figures(trader: User) -> None:
    chosen = summary(trader)

    assert (chosen.equity, chosen.cash, chosen.day_change) == (None, None, None)
    assert (chosen.open_breaks, chosen.trading_state) == (0, "ACTIVE")
    assert (chosen.reconciliation_result, chosen.reconciled_at) == (None, None)


def test_the_days_change_counts_from_the_first_snapshot_of_the_utc_day(
    trader: User, account: TradingAccount
) -> None:
    for moment, cash in (
        (NOON - timedelta(hours=13), 900),
        (NOON - timedelta(hours=12), 1000),
        (NOON - timedelta(hours=6), 1500),
        (NOON, 950),
    ):
        EquitySnapshotFactory(account=account, as_of=moment, cash=cash, holdings=50)
    chosen = summary(trader)

    assert (chosen.equity, chosen.cash, chosen.equity_as_of) == (D(1000), D(950), NOON)
    assert chosen.day_change == D(-50)
    assert chosen.day_change_percent is not None
    assert round(chosen.day_change_percent, 4) == D("-4.7619")


def test_a_day_that_began_with_nothing_has_no_percentage(
    trader: User, account: TradingAccount
) -> None:
    EquitySnapshotFactory(account=account, as_of=NOON, cash=0)
    EquitySnapshotFactory(account=account, as_of=NOON + timedelta(hours=1), cash=10)
    chosen = summary(trader)

    assert (chosen.day_change, chosen.day_change_percent) == (D(10), None)


@pytest.mark.parametrize(
    ("desk", "account_state", "effective"),
    [
        (None, None, "ACTIVE"),
        ("ACTIVE", "REDUCING", "REDUCING"),
        ("HALTED", "REDUCING", "HALTED"),
        ("HALTED", None, "HALTED"),
    ],
)
def test_the_strictest_switch_of_desk_and_account_is_shown(
    trader: User,
    account: TradingAccount,
    desk: str | None,
    account_state: str | None,
    effective: str,
) -> None:
    if desk:
        TradingStateFactory(account=None, state=desk)
    if account_state:
        TradingStateFactory(account=account, state=account_state)

    assert summary(trader).trading_state == effective


def test_breaks_that_stand_open_and_the_last_run_are_shown(
    trader: User, account: TradingAccount
) -> None:
    standing = BreakFactory(account=account)
    BreakFactory(account=account, state="RESOLVED", resolved_at=NOON)
    ReconciliationRunFactory(account=account, result="MATCHED")
    last = ReconciliationRunFactory(account=account, result="BREAKS")
    chosen = summary(trader)

    assert chosen.open_breaks == 1
    assert (chosen.reconciliation_result, chosen.reconciled_at) == ("BREAKS", last.started_at)
    assert shown(trader).breaks == [standing]


@pytest.mark.parametrize(
    ("quantity", "multiplier", "unrealized"), [(2, 1, 10), (-2, 1, -10), (3, 5, 75)]
)
def test_a_position_is_valued_at_the_latest_close_of_its_deployments_timeframe(
    trader: User, account: TradingAccount, quantity: int, multiplier: int, unrealized: int
) -> None:
    instrument = InstrumentFactory(multiplier=multiplier)
    PositionFactory(
        deployment__account=account,
        instrument=instrument,
        quantity=quantity,
        average_entry_price=100,
    )
    for timeframe, hour, close in (("5m", 1, 101), ("5m", 2, 105), ("1h", 3, 110)):
        CandleFactory(
            instrument=instrument,
            timeframe=timeframe,
            open_at=NOON.replace(hour=hour),
            high=120,
            close=close,
        )
    [open_position] = shown(trader).positions

    assert open_position.mark_price == D(105)
    assert open_position.unrealized_pnl == D(unrealized)


def test_a_position_held_by_hand_is_valued_at_the_latest_close_of_any_timeframe(
    trader: User, account: TradingAccount
) -> None:
    held = PositionFactory(deployment=None, account=account)
    CandleFactory(instrument=held.instrument, timeframe="1h", close=102)

    assert shown(trader).positions[0].mark_price == D(102)


def test_without_a_candle_a_position_has_no_value_and_a_flat_one_is_left_out(
    trader: User, account: TradingAccount
) -> None:
    held = PositionFactory(deployment__account=account)
    PositionFactory(deployment__account=account, quantity=0, average_entry_price=0, opened_at=None)
    [open_position] = shown(trader).positions

    assert open_position.position == held
    assert (open_position.mark_price, open_position.unrealized_pnl) == (None, None)


def test_orders_that_have_not_ended_are_shown_newest_first(
    trader: User, account: TradingAccount
) -> None:
    intent, unknown = (OrderFactory(account=account, status=each) for each in ("INTENT", "UNKNOWN"))
    for status in ("CANCELED", "REJECTED", "EXPIRED"):
        OrderFactory(account=account, status=status)

    assert shown(trader).orders == [unknown, intent]


def test_it_costs_as_many_queries_for_ten_rows_as_for_one(
    trader: User, account: TradingAccount
) -> None:
    def grow() -> None:
        SignalOrderFactory(risk_decision__signal__deployment__account=account)
        PositionFactory(
            deployment=DeploymentFactory(account=account, instruments=[InstrumentFactory()])
        )
        BreakFactory(account=account)
        EquitySnapshotFactory(account=account)
        TradingAccountFactory().members.add(trader)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            dashboard = shown(trader)
            for deployment in dashboard.deployments:
                assert deployment.version.name
                list(deployment.instruments.all())
            for order in dashboard.orders:
                assert order.instrument.symbol
        return len(queries)

    grow()
    first = cost()
    for _ in range(9):
        grow()
    assert cost() == first


def test_the_curve_is_oldest_first(account: TradingAccount) -> None:
    for hour in (2, 1, 3):
        EquitySnapshotFactory(account=account, as_of=NOON.replace(hour=hour), cash=hour)
    EquitySnapshotFactory()

    assert [(moment.hour, equity) for moment, equity in equity_curve(account)] == [
        (1, D(1)),
        (2, D(2)),
        (3, D(3)),
    ]


@pytest.mark.parametrize(("count", "points"), [(0, 0), (10, 10), (11, 6), (21, 7), (100, 10)])
def test_a_long_curve_is_thinned_evenly_and_keeps_its_last_point(
    account: TradingAccount, monkeypatch: pytest.MonkeyPatch, count: int, points: int
) -> None:
    monkeypatch.setattr(selectors, "CURVE_POINTS", 10)
    for minute in range(count):
        EquitySnapshotFactory(account=account, as_of=NOON + timedelta(minutes=minute), cash=minute)
    curve = equity_curve(account)

    assert len(curve) == points
    if curve:
        assert curve[-1][1] == D(count - 1)
        steps = {later[0] - earlier[0] for earlier, later in pairwise(curve)}
        assert len(steps) == 1
