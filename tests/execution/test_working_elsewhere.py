"""The gate's snapshot counts what the account's orders on other instruments may still add."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.execution.selectors.risk import MarketNow, risk_context
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.positions.models import NetPosition
from apps.risk.domain.types import RiskContext
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import CandleFactory, InstrumentFactory, QuoteFactory
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

    def context(self) -> RiskContext:
        return risk_context(
            account=self.account,
            deployment=None,
            instrument=self.asked,
            market=MarketNow(as_of=NOW, reference_price=D(100)),
            desk_started_at=None,
        )

    def elsewhere(self) -> Decimal:
        return self.context().working_notional_elsewhere


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


@pytest.mark.parametrize("source", ["quote", "candle"])
def test_market_order_on_its_way_counts_at_the_newest_price_of_what_is_not_held(
    source: str,
) -> None:
    desk = Account()
    CandleFactory(instrument=desk.other, open_at=NOW, close=D(100))
    if source == "quote":
        QuoteFactory(instrument=desk.other, last=D(40), quoted_at=NOW + timedelta(days=1))
    desk.order(desk.other, "SELL", 3, order_type="MARKET", limit_price=None, status="SENDING")
    price = 40 if source == "quote" else 100
    assert desk.elsewhere() == 3 * price * 2
    assert desk.context().working_sells_elsewhere == 3 * price * 2
    assert desk.context().working_unpriced == ""


def test_market_order_on_its_way_without_any_price_makes_the_exposure_unknown() -> None:
    desk = Account()
    desk.order(desk.other, "BUY", 3, order_type="MARKET", limit_price=None, status="SENDING")
    assert desk.context().working_unpriced == desk.other.symbol


def test_market_order_that_only_reduces_needs_no_price() -> None:
    desk = Account()
    desk.order(desk.other, "BUY", 3, order_type="MARKET", limit_price=None, reduce_only=True)
    assert desk.context().working_unpriced == ""


def test_buys_and_sells_elsewhere_are_told_apart_for_the_net_exposure() -> None:
    desk = Account()
    desk.order(desk.other, "BUY", 3)
    desk.order(desk.other, "SELL", 4, limit_price=D(20))
    context = desk.context()
    assert context.working_buys_elsewhere == 3 * 10 * 2
    assert context.working_sells_elsewhere == 4 * 20 * 2


def test_order_in_another_currency_makes_the_exposure_unknown() -> None:
    desk = Account()
    desk.order(InstrumentFactory(quote_currency="INR"), "BUY", 3)
    assert desk.context().gross_notional is None
