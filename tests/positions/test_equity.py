"""What an account is worth, now and at the start of the day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.positions.models import EquitySnapshot, NetPosition
from apps.positions.selectors import (
    account_equity,
    equity_marks,
    holdings_value,
    position_quantity,
    position_quantity_account,
)
from apps.positions.services import deposit_book, equity_snapshot_record
from apps.strategies.models import Deployment
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.positions import EquitySnapshotFactory, NetPositionFactory, PositionFactory

pytestmark = pytest.mark.django_db
D = Decimal
MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(base_currency="USDT")


def an_hour(hours: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hours)


def snapshot(account: TradingAccount, hours: float, equity: int) -> EquitySnapshot:
    return EquitySnapshotFactory(account=account, as_of=an_hour(hours), cash=D(equity))


def deposit(account: TradingAccount, hours: float, amount: int, currency: str = "USDT") -> None:
    deposit_book(
        account=account,
        amount=D(amount),
        currency=currency,
        source_id=f"{hours}",
        occurred_at=an_hour(hours),
        description="Transfer",
    )


def test_perpetual_is_worth_its_unrealised_result_and_spot_its_price(
    account: TradingAccount,
) -> None:
    kinds = {
        "PERPETUAL": InstrumentFactory(kind="PERPETUAL", multiplier=D(10)),
        "SPOT": InstrumentFactory(kind="SPOT"),
    }
    deposit(account, 0, 1000)
    for quantity, instrument in ((-2, kinds["PERPETUAL"]), (3, kinds["SPOT"])):
        NetPositionFactory(account=account, instrument=instrument, quantity=D(quantity))
    prices = {kinds["PERPETUAL"].pk: D(95), kinds["SPOT"].pk: D(110)}
    assert holdings_value(account=account, prices=prices) == D(100 + 330)
    assert account_equity(account=account, prices=prices) == D(1430)


def test_flat_account_needs_no_price(account: TradingAccount) -> None:
    NetPositionFactory(account=account, quantity=D(0))
    assert account_equity(account=account, prices={}) == 0


def test_snapshot_of_a_moment_is_recorded_once(account: TradingAccount) -> None:
    deposit(account, 0, 1000)
    equity_snapshot_record(account=account, as_of=an_hour(1), prices={})
    deposit(account, 2, 500)
    equity_snapshot_record(account=account, as_of=an_hour(1), prices={})
    kept = EquitySnapshot.objects.get()
    assert (kept.cash, kept.holdings, kept.equity) == (D(1000), D(0), D(1000))


def test_day_starts_with_the_last_snapshot_before_it(account: TradingAccount) -> None:
    for hours, equity in ((-30, 1), (-1, 2), (1, 3)):
        snapshot(account, hours, equity)
    assert equity_marks(account=account, as_of=an_hour(5)).day_start == D(2)


def test_snapshot_at_midnight_is_the_days_start(account: TradingAccount) -> None:
    snapshot(account, -1, 1)
    snapshot(account, 0, 2)
    assert equity_marks(account=account, as_of=an_hour(0)).day_start == D(2)
    assert equity_marks(account=account, as_of=an_hour(-0.5)).day_start == D(1)


def test_first_snapshot_of_the_day_stands_in_where_there_is_none_before(
    account: TradingAccount,
) -> None:
    snapshot(account, 3, 7)
    snapshot(account, 4, 8)
    assert equity_marks(account=account, as_of=an_hour(5)).day_start == D(7)


def test_nothing_is_known_before_the_first_snapshot(account: TradingAccount) -> None:
    snapshot(account, 3, 7)
    snapshot(TradingAccountFactory(), -1, 5)
    assert equity_marks(account=account, as_of=an_hour(2)).day_start is None


def test_transfers_since_the_days_start_are_no_result(account: TradingAccount) -> None:
    deposit(account, -2, 1000)
    snapshot(account, -1, 1000)
    deposit(account, 1, 500)
    deposit(account, 2, -200)
    deposit(account, 9, 5000)
    assert equity_marks(account=account, as_of=an_hour(3)).day_start == D(1300)


def test_position_reads_tell_deployments_from_the_account(account: TradingAccount) -> None:
    instrument: Instrument = InstrumentFactory()
    mine = PositionFactory(
        deployment__account=account, account=account, instrument=instrument, quantity=D(2)
    )
    PositionFactory(deployment=None, account=account, instrument=instrument, quantity=D(-3))
    NetPosition.objects.create(
        account=account, instrument=instrument, quantity=D(-1), updated_at=MIDNIGHT
    )
    assert held_by(account, instrument, mine.deployment) == D(2)
    assert held_by(account, instrument, None) == D(-3)
    assert position_quantity_account(account=account, instrument=instrument) == D(-1)
    stranger = TradingAccountFactory()
    assert held_by(stranger, instrument, None) == 0
    assert position_quantity_account(account=stranger, instrument=instrument) == 0


def held_by(
    account: TradingAccount, instrument: Instrument, deployment: Deployment | None
) -> Decimal:
    return position_quantity(account=account, instrument=instrument, deployment=deployment)
