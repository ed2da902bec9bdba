"""Bars, terms and orders for the fill rules, so that a test names only the prices that matter."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from apps.marketdata.domain.types import Bar
from apps.orders.domain.fill_rules import (
    FillMoment,
    FillTerms,
    Meeting,
    PriceMatch,
    RestingOrder,
    order_meet,
)
from apps.orders.domain.types import OrderType, Side

D = Decimal
Price: TypeAlias = str | Decimal
OPEN_AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_OPEN, INSIDE = FillMoment.AT_OPEN, FillMoment.INSIDE


def a_bar(
    open_: Price = "100",
    high: Price = "110",
    low: Price = "90",
    close: Price = "105",
    volume: Price = "50",
) -> Bar:
    return Bar(
        open_at=OPEN_AT,
        close_at=OPEN_AT + timedelta(minutes=5),
        open=D(open_),
        high=D(high),
        low=D(low),
        close=D(close),
        volume=D(volume),
    )


def terms(**changes: Any) -> FillTerms:
    values: dict[str, Any] = {
        "fee_bps": D(6),
        "slippage_bps": D(0),
        "volume_cap_ratio": D(0),
        "tick_size": D("0.1"),
        "lot_size": D("0.001"),
        "multiplier": D(1),
    }
    return FillTerms(**{**values, **changes})


def resting(order_type: OrderType, side: Side, **changes: Any) -> RestingOrder:
    """An order; prices may be given as text, and limit and stop by their short names."""
    short = {"limit": "limit_price", "stop": "stop_price"}
    values: dict[str, Any] = {
        short.get(name, name): D(value) if isinstance(value, str) else value
        for name, value in changes.items()
    }
    return RestingOrder(order_type=order_type, side=side, **values)


def meet(order: RestingOrder, bar: Bar | None = None, on: FillTerms | None = None) -> Meeting:
    return order_meet(order, bar or a_bar(), on or terms())


def filled(order: RestingOrder, bar: Bar | None = None, on: FillTerms | None = None) -> PriceMatch:
    found = meet(order, bar, on).fill
    assert found is not None
    return found


def fill_at(
    order: RestingOrder, bar: Bar | None = None, on: FillTerms | None = None
) -> tuple[Decimal, FillMoment]:
    """Return price and moment of the fill that a bar makes."""
    found = filled(order, bar, on)
    return found.price, found.moment
