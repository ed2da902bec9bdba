"""Market, limit and stop orders against a bar, and what an execution costs."""

import pytest

from apps.orders.domain.fill_rules import (
    bar_rest,
    commission_for,
    exit_price,
    volume_available,
)
from apps.orders.domain.types import OrderRole, OrderType, Side
from tests.orders.meetings import AT_OPEN, INSIDE, D, a_bar, fill_at, filled, meet, resting, terms

BUY, SELL = Side.BUY, Side.SELL
MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP


@pytest.mark.parametrize("side", list(Side))
def test_market_order_fills_at_the_open(side: Side) -> None:
    assert fill_at(resting(MARKET, side)) == (D(100), AT_OPEN)


@pytest.mark.parametrize(("side", "price"), [(BUY, "100.2"), (SELL, "99.8")])
def test_slippage_moves_market_fills_against_us_to_a_whole_tick(side: Side, price: str) -> None:
    assert filled(resting(MARKET, side), on=terms(slippage_bps=D(15))).price == D(price)


def test_slippage_never_goes_below_one_tick() -> None:
    dust = a_bar("0.1", "0.1", "0.1", "0.1")
    assert filled(resting(MARKET, SELL), dust, terms(slippage_bps=D(9_999))).price == D("0.1")


@pytest.mark.parametrize(("side", "limit"), [(BUY, "90"), (SELL, "110")])
def test_limit_fills_at_its_price_when_the_bar_just_touches_it(side: Side, limit: str) -> None:
    assert fill_at(resting(LIMIT, side, limit=limit)) == (D(limit), INSIDE)


@pytest.mark.parametrize(("side", "limit"), [(BUY, "89.9"), (SELL, "110.1")])
def test_limit_one_tick_out_of_the_bars_reach_does_not_fill(side: Side, limit: str) -> None:
    assert meet(resting(LIMIT, side, limit=limit)).fill is None


@pytest.mark.parametrize(("side", "limit"), [(BUY, "101"), (SELL, "99"), (BUY, "100")])
def test_limit_that_the_open_gapped_through_fills_at_the_better_open(
    side: Side, limit: str
) -> None:
    assert fill_at(resting(LIMIT, side, limit=limit)) == (D(100), AT_OPEN)


def test_limit_pays_no_slippage() -> None:
    on = terms(slippage_bps=D(50))
    assert filled(resting(LIMIT, BUY, limit="95"), on=on).price == D(95)
    assert filled(resting(LIMIT, BUY, limit="101"), on=on).price == D(100)


def test_limit_is_a_maker_once_it_stands_in_the_book() -> None:
    assert filled(resting(LIMIT, BUY, limit="95")).is_maker
    assert not filled(resting(LIMIT, BUY, limit="101")).is_maker
    assert filled(resting(LIMIT, BUY, limit="101", has_rested=True)).is_maker


@pytest.mark.parametrize(("side", "limit"), [(BUY, "100"), (BUY, "101"), (SELL, "100")])
def test_post_only_order_at_or_through_its_first_open_would_take_and_does_not_fill(
    side: Side, limit: str
) -> None:
    meeting = meet(resting(LIMIT, side, limit=limit, post_only=True))
    assert meeting.takes_liquidity
    assert meeting.fill is None


@pytest.mark.parametrize(("side", "limit"), [(BUY, "99.9"), (SELL, "100.1")])
def test_post_only_order_beyond_its_first_open_fills_inside_as_a_maker(
    side: Side, limit: str
) -> None:
    meeting = meet(resting(LIMIT, side, limit=limit, post_only=True))
    assert not meeting.takes_liquidity
    assert meeting.fill is not None
    assert (meeting.fill.price, meeting.fill.is_maker) == (D(limit), True)


def test_post_only_order_that_has_rested_fills_at_a_gap_like_any_limit() -> None:
    order = resting(LIMIT, BUY, limit="101", post_only=True, has_rested=True)
    assert fill_at(order) == (D(100), AT_OPEN)
    assert not meet(order).takes_liquidity


@pytest.mark.parametrize(("side", "stop"), [(SELL, "95"), (SELL, "90"), (BUY, "110")])
def test_stop_fills_at_its_stop_price_when_the_bar_touches_it(side: Side, stop: str) -> None:
    assert fill_at(resting(STOP, side, stop=stop)) == (D(stop), INSIDE)


@pytest.mark.parametrize(("side", "stop"), [(SELL, "105"), (SELL, "100"), (BUY, "95")])
def test_stop_that_the_open_gapped_through_fills_at_the_worse_open(side: Side, stop: str) -> None:
    assert fill_at(resting(STOP, side, stop=stop)) == (D(100), AT_OPEN)


@pytest.mark.parametrize(("side", "stop"), [(BUY, "110.1"), (SELL, "89.9")])
def test_stop_out_of_the_bars_reach_waits(side: Side, stop: str) -> None:
    meeting = meet(resting(STOP, side, stop=stop))
    assert (meeting.fill, meeting.is_triggered) == (None, False)


@pytest.mark.parametrize(("side", "stop", "price"), [(BUY, "105", "105.2"), (SELL, "95", "94.8")])
def test_slippage_moves_stop_fills_against_us(side: Side, stop: str, price: str) -> None:
    assert filled(resting(STOP, side, stop=stop), on=terms(slippage_bps=D(15))).price == D(price)


@pytest.mark.parametrize("order_type", [STOP, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP])
def test_triggered_order_left_over_from_an_earlier_bar_is_a_market_order(
    order_type: OrderType,
) -> None:
    order = resting(order_type, SELL, stop="50", is_triggered=True)
    assert fill_at(order) == (D(100), AT_OPEN)
    assert meet(order).is_triggered


@pytest.mark.parametrize(
    ("order_type", "sentence"),
    [
        (LIMIT, "a limit order needs a limit price"),
        (STOP, "a stop order needs a stop price"),
        (OrderType.STOP_LIMIT, "a stop order needs a stop price"),
        (OrderType.TAKE_PROFIT, "a stop order needs a stop price"),
    ],
)
def test_order_without_its_price_is_a_programming_error(
    order_type: OrderType, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        meet(resting(order_type, BUY))


def test_order_that_starts_with_a_fill_at_the_open_meets_the_whole_bar() -> None:
    bar = a_bar()
    assert bar_rest(bar, filled(resting(MARKET, BUY))) == bar


def test_order_that_starts_with_a_fill_inside_does_not_meet_the_open_before_it() -> None:
    rest = bar_rest(a_bar(), filled(resting(STOP, BUY, stop="108")))
    assert (rest.open, rest.high, rest.low, rest.close) == (D(108), D(110), D(90), D(105))
    assert fill_at(resting(STOP, SELL, stop="106"), rest) == (D(106), INSIDE)


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
