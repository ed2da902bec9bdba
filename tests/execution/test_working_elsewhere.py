"""The gate's snapshot counts what the account's orders on other instruments may still add."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.execution.selectors.risk import MarketNow, risk_context
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.positions.models import NetPosition
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.orders import OrderFactory

pytestmark = pytest.mark.django_db
D = Decimal
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Account:
    """An account that asks for an order on one instrument and has others on a second."""

    def __init__(self) -> None:
        self.account = TradingAccountFactory(base_currency="USDT")
        self.asked: Instrument = InstrumentFactory()
        self.other: Instrument = InstrumentFactory(multiplier=D(2))

    def order(self, instrument: Instrument, side: str, quantity: int, **changes: Any) -> Order:
        terms = {"order_type": "LIMIT", "limit_price": D(10), "status": "NEW", **changes}
        order: Order = OrderFactory(
            account=self.account, instrument=instrument, side=side, quantity=D(quantity), **terms
        )
        return order

    def elsewhere(self) -> Decimal:
        return risk_context(
            account=self.account,
            deployment=None,
            instrument=self.asked,
            market=MarketNow(as_of=NOW, reference_price=D(100)),
            desk_started_at=None,
        ).working_notional_elsewhere


def test_worse_side_of_another_instrument_counts_at_its_own_prices() -> None:
    desk = Account()
    desk.order(desk.other, "BUY", 3)
    desk.order(desk.other, "BUY", 2, limit_price=D(20))
    desk.order(desk.other, "SELL", 4)
    assert desk.elsewhere() == (3 * 10 + 2 * 20) * 2


def test_what_has_filled_or_ended_or_only_reduces_adds_nothing() -> None:
    desk = Account()
    desk.order(desk.other, "BUY", 3, filled_quantity=D(1), status="PARTIALLY_FILLED")
    desk.order(desk.other, "BUY", 9, status="CANCELED")
    desk.order(desk.other, "BUY", 9, reduce_only=True)
    assert desk.elsewhere() == 2 * 10 * 2


def test_orders_on_the_instrument_itself_are_not_elsewhere() -> None:
    desk = Account()
    desk.order(desk.asked, "BUY", 3)
    assert desk.elsewhere() == 0


def test_what_closes_a_position_adds_only_where_it_ends_larger() -> None:
    desk = Account()
    NetPosition.objects.create(
        account=desk.account,
        instrument=desk.other,
        quantity=D(5),
        average_entry_price=D(10),
        updated_at=NOW,
    )
    desk.order(desk.other, "SELL", 10)
    assert desk.elsewhere() == 0
    desk.order(desk.other, "SELL", 1)
    assert desk.elsewhere() == 1 * 10 * 2


def test_order_without_a_price_counts_at_the_price_of_what_is_held() -> None:
    desk = Account()
    NetPosition.objects.create(
        account=desk.account,
        instrument=desk.other,
        quantity=D(1),
        average_entry_price=D(10),
        updated_at=NOW,
    )
    desk.order(desk.other, "BUY", 1, order_type="MARKET", limit_price=None)
    assert desk.elsewhere() == 1 * 10 * 2
