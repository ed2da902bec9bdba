"""Orders measured from what was stored about them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.services import candles_store, quote_record
from apps.orders.models import Order, OrderQuote
from apps.orders.selectors.quality import order_measure, with_measures
from apps.orders.services import order_quote_record
from tests.factories.orders import (
    FillFactory,
    OrderEventFactory,
    OrderFactory,
    OrderQuoteFactory,
)
from tests.marketdata.bars import bar

pytestmark = pytest.mark.django_db
D = Decimal


def a_filled_order(**changes: Any) -> Order:
    order = OrderFactory(
        quantity=D(10), filled_quantity=D(10), status="FILLED", average_fill_price=D(101), **changes
    )
    Order.objects.filter(pk=order.pk).update(
        sent_at=order.decided_at, closed_at=order.decided_at + timedelta(minutes=10)
    )
    OrderQuoteFactory(order=order)
    OrderQuoteFactory(order=order, moment="SUBMIT", bid=D("100.9"), ask=D("101.1"), last=D(101))
    for sequence, kind in enumerate(
        ("order.intended", "order.claimed", "order.accepted", "order.filled"), start=1
    ):
        OrderEventFactory(order=order, sequence=sequence, kind=kind)
    fill = FillFactory(
        order=order,
        quantity=D(10),
        price=D(101),
        commission=D(1),
        executed_at=order.decided_at + timedelta(minutes=7),
    )
    OrderQuoteFactory(order=order, moment="FILL", fill=fill, last=D(101), bid=None, ask=None)
    return order


def test_an_order_is_measured_against_each_moment() -> None:
    order = a_filled_order()
    candles_store(
        instrument=order.instrument,
        timeframe="5m",
        bars=[
            bar("100", at=order.decided_at),
            bar("103", at=order.decided_at + timedelta(minutes=5)),
        ],
    )
    measured = order_measure(with_measures(Order.objects.all()).get())
    quality = measured.quality
    assert quality.arrival_slippage_bps == 100
    assert quality.submit_slippage_bps == 0
    assert quality.effective_spread_bps == 0
    assert quality.shortfall == 11
    assert quality.vwap_slippage_bps is not None
    assert quality.vwap_slippage_bps < 0  # the market's average was 101.5
    assert measured.timings.decision_to_wire is not None
    assert measured.timings.ack_to_fill is not None


def test_an_order_inside_a_bar_is_measured_against_that_bar() -> None:
    order = a_filled_order()
    opened = order.decided_at - timedelta(minutes=2)
    bars = [bar("90", at=opened - timedelta(minutes=15)), bar("102", at=opened)]
    candles_store(instrument=order.instrument, timeframe="15m", bars=bars)
    measured = order_measure(with_measures(Order.objects.all()).get())

    assert measured.quality.vwap_slippage_bps == D("-98.0392156863")


def test_an_order_without_quotes_has_no_costs_and_a_fill_ratio() -> None:
    order = OrderFactory(quantity=D(10))
    Order.objects.update(sent_at=order.decided_at)
    measured = order_measure(with_measures(Order.objects.all()).get())
    assert measured.quality.fill_ratio == 0
    assert measured.quality.arrival_slippage_bps is None
    assert measured.timings.wire_to_ack is None


def test_a_moment_is_quoted_once_and_only_if_the_market_shows_something() -> None:
    order = OrderFactory()
    assert not order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
    for last, is_kept in (("100", True), ("105", False)):
        quote_record(
            instrument=order.instrument,
            quote=QuoteView(last=D(last)),
            source="TICKER",
            quoted_at=order.decided_at + timedelta(seconds=int(last)),
        )
        kept = order_quote_record(order=order, moment=OrderQuote.Moment.DECISION)
        assert kept is is_kept
    assert [quote.last for quote in OrderQuote.objects.all()] == [100]
