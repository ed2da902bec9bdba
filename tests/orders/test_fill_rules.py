from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.domain.types import Bar
from apps.orders.domain.fill_rules import (
    FillMoment,
    FillTerms,
    PriceMatch,
    commission_for,
    exit_price,
    price_match,
    volume_available,
)
from apps.orders.domain.types import OrderRole, OrderType, Side

D = Decimal
Price: TypeAlias = str | Decimal
OPEN_AT = datetime(2026, 1, 1, tzinfo=UTC)


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


def match(
    order_type: OrderType,
    side: Side,
    *,
    limit: Price | None = None,
    stop: Price | None = None,
    triggered: bool = False,
    bar: Bar | None = None,
    on: FillTerms | None = None,
) -> PriceMatch | None:
    return price_match(
        order_type=order_type,
        side=side,
        limit_price=D(limit) if limit else None,
        stop_price=D(stop) if stop else None,
        is_triggered=triggered,
        bar=bar or a_bar(),
        terms=on or terms(),
    )


def fill_of(order_type: OrderType, side: Side, **terms_of_match: Any) -> PriceMatch:
    found = match(order_type, side, **terms_of_match)
    assert found is not None
    return found


def test_market_order_fills_at_the_open() -> None:
    found = fill_of(OrderType.MARKET, Side.BUY)
    assert (found.price, found.moment) == (D(100), FillMoment.AT_OPEN)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "100.2"), (Side.SELL, "99.8")])
def test_slippage_moves_market_fills_against_us_to_a_whole_tick(side: Side, price: str) -> None:
    found = fill_of(OrderType.MARKET, side, on=terms(slippage_bps=D(15)))
    assert found.price == D(price)


def test_buy_limit_fills_at_its_limit_when_the_bar_touches_it() -> None:
    found = fill_of(OrderType.LIMIT, Side.BUY, limit="90")
    assert (found.price, found.moment) == (D(90), FillMoment.INSIDE)


def test_buy_limit_below_the_low_does_not_fill() -> None:
    assert match(OrderType.LIMIT, Side.BUY, limit="89.9") is None


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, "101"), (Side.SELL, "99")])
def test_limit_that_the_open_gapped_through_fills_at_the_better_open(
    side: Side, limit: str
) -> None:
    found = fill_of(OrderType.LIMIT, side, limit=limit)
    assert (found.price, found.moment) == (D(100), FillMoment.AT_OPEN)


def test_sell_stop_fills_at_its_stop_when_the_bar_touches_it() -> None:
    assert fill_of(OrderType.STOP, Side.SELL, stop="95").price == D(95)


def test_sell_stop_that_the_open_gapped_through_fills_at_the_worse_open() -> None:
    found = fill_of(OrderType.STOP, Side.SELL, stop="105")
    assert (found.price, found.moment) == (D(100), FillMoment.AT_OPEN)


def test_buy_stop_above_the_high_does_not_fill() -> None:
    assert match(OrderType.STOP, Side.BUY, stop="110.1") is None


def test_triggered_stop_left_over_from_an_earlier_bar_is_a_market_order() -> None:
    assert fill_of(OrderType.STOP, Side.SELL, stop="50", triggered=True).price == D(100)


def test_limit_order_without_a_price_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="needs a limit price"):
        match(OrderType.LIMIT, Side.BUY)


@given(
    side=st.sampled_from(list(Side)),
    kind=st.sampled_from([OrderType.LIMIT, OrderType.STOP, OrderType.MARKET]),
    level=st.integers(800, 1200),
    low=st.integers(850, 1000),
    high=st.integers(1000, 1150),
    open_=st.integers(0, 100),
)
def test_without_slippage_every_fill_lies_inside_the_bar(
    side: Side, kind: OrderType, level: int, low: int, high: int, open_: int
) -> None:
    first = low + (high - low) * open_ // 100
    bar = a_bar(open_=D(first) / 10, high=D(high) / 10, low=D(low) / 10, close=D(first) / 10)
    found = match(kind, side, limit=D(level) / 10, stop=D(level) / 10, bar=bar)
    if found is None:
        return
    assert bar.low <= found.price <= bar.high
    if kind is OrderType.LIMIT:
        assert side.sign * (found.price - D(level) / 10) <= 0
    if kind is OrderType.STOP:
        assert side.sign * (found.price - D(level) / 10) >= 0


def test_volume_cap_takes_a_share_of_the_bar_in_whole_lots() -> None:
    on = terms(volume_cap_ratio=D("0.1"), lot_size=D("0.7"))
    assert volume_available(bar=a_bar(volume="50"), terms=on) == D("4.9")


def test_no_cap_means_any_quantity() -> None:
    assert volume_available(bar=a_bar(volume="0"), terms=terms()) is None


def test_commission_is_basis_points_of_notional() -> None:
    paid = commission_for(quantity=D("0.32"), price=D(1004), terms=terms())
    assert paid == D("0.192768")


@pytest.mark.parametrize(
    ("side", "role", "price"),
    [
        # The stops of two recorded trades of another program: BNB 1004 and AVAX 31.94, 1 %
        (Side.BUY, OrderRole.STOP_LOSS, "994.0"),
        (Side.BUY, OrderRole.TAKE_PROFIT, "1024.1"),
        (Side.SELL, OrderRole.STOP_LOSS, "1014.0"),
        (Side.SELL, OrderRole.TAKE_PROFIT, "983.9"),
    ],
)
def test_exit_prices_round_to_the_tick_in_the_direction_of_profit(
    side: Side, role: OrderRole, price: str
) -> None:
    ratio = D("0.01") if role is OrderRole.STOP_LOSS else D("0.02")
    found = exit_price(
        entry_side=side,
        role=role,
        entry_price=D(1004),
        distance_ratio=ratio,
        tick_size=D("0.1"),
    )
    assert found == D(price)
