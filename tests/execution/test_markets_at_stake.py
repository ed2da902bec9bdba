"""Markets with an open order or a position are watched, whether a deployment trades them or not."""

import pytest

from apps.execution.selectors import instrument_list_at_stake
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import OrderFactory
from tests.factories.positions import PositionFactory

pytestmark = pytest.mark.django_db


def at_stake() -> set[str]:
    return {each.symbol for each in instrument_list_at_stake(broker="BYBIT")}


def test_open_orders_and_positions_keep_their_market_watched() -> None:
    account = TradingAccountFactory(broker="BYBIT", mode="TEST")
    known = {symbol: InstrumentFactory(symbol=f"X:{symbol}") for symbol in ("a", "b", "c", "d")}
    OrderFactory(account=account, instrument=known["a"], status="NEW")
    OrderFactory(account=account, instrument=known["b"], status="CANCELED")
    PositionFactory(account=account, instrument=known["c"], quantity=-3)
    PositionFactory(account=account, instrument=known["d"], quantity=0)
    assert at_stake() == {"X:a", "X:c"}


def test_another_brokers_orders_are_not_watched_here() -> None:
    account = TradingAccountFactory(broker="ANGELONE", mode="LIVE")
    OrderFactory(account=account, instrument=InstrumentFactory(symbol="NSE:A"), status="NEW")
    assert at_stake() == set()
