"""Orders that wait for a price, against a bar that opens at 100, sees 110 and 90, closes at 105."""

from decimal import Decimal
from typing import Any

import pytest

from apps.orders.domain.fill_rules import FillMoment, Meeting, RestingOrder
from apps.orders.domain.types import OrderType, Side
from tests.orders.meetings import (
    AT_OPEN,
    INSIDE,
    D,
    a_bar,
    fill_at,
    filled,
    meet,
    resting,
    terms,
)

BUY, SELL = Side.BUY, Side.SELL
TAKE_PROFIT, STOP_LIMIT = OrderType.TAKE_PROFIT, OrderType.STOP_LIMIT


@pytest.mark.parametrize(("side", "stop"), [(SELL, "105"), (SELL, "110"), (BUY, "95"), (BUY, "90")])
def test_take_profit_fills_at_its_price_when_the_market_comes_to_it(side: Side, stop: str) -> None:
    assert fill_at(resting(TAKE_PROFIT, side, stop=stop)) == (D(stop), INSIDE)


@pytest.mark.parametrize(("side", "stop"), [(SELL, "110.1"), (BUY, "89.9")])
def test_take_profit_out_of_the_bars_reach_waits(side: Side, stop: str) -> None:
    meeting = meet(resting(TAKE_PROFIT, side, stop=stop))
    assert (meeting.fill, meeting.is_triggered) == (None, False)


@pytest.mark.parametrize(("side", "stop"), [(SELL, "99"), (SELL, "100"), (BUY, "101")])
def test_take_profit_that_the_open_gapped_through_fills_at_the_open(side: Side, stop: str) -> None:
    meeting = meet(resting(TAKE_PROFIT, side, stop=stop))
    assert fill_at(resting(TAKE_PROFIT, side, stop=stop)) == (D(100), AT_OPEN)
    assert meeting.is_triggered


@pytest.mark.parametrize(
    ("side", "stop", "price"), [(SELL, "105", "104.8"), (BUY, "95", "95.2"), (SELL, "99", "99.8")]
)
def test_take_profit_is_a_market_order_when_it_fills_and_pays_slippage(
    side: Side, stop: str, price: str
) -> None:
    order = resting(TAKE_PROFIT, side, stop=stop)
    assert filled(order, on=terms(slippage_bps=D(15))).price == D(price)


def stop_limit(side: Side, stop: str, limit: str, **changes: Any) -> RestingOrder:
    return resting(STOP_LIMIT, side, stop=stop, limit=limit, **changes)


@pytest.mark.parametrize(
    ("side", "stop", "limit"), [(BUY, "110.1", "120"), (SELL, "89.9", "80"), (BUY, "111", "99")]
)
def test_stop_limit_waits_for_its_stop_price_also_where_the_limit_is_touched(
    side: Side, stop: str, limit: str
) -> None:
    meeting = meet(stop_limit(side, stop, limit))
    assert (meeting.fill, meeting.is_triggered) == (None, False)


@pytest.mark.parametrize(
    ("side", "stop", "limit"),
    [(BUY, "105", "106"), (BUY, "105", "105"), (SELL, "95", "94"), (SELL, "90", "90")],
)
def test_stop_limit_triggered_inside_fills_at_its_stop_price_within_the_limit(
    side: Side, stop: str, limit: str
) -> None:
    order = stop_limit(side, stop, limit)
    assert fill_at(order) == (D(stop), INSIDE)
    assert not filled(order).is_maker
    assert meet(order).is_triggered


@pytest.mark.parametrize(
    ("side", "stop", "limit", "price"),
    [
        (BUY, "105", "106", "105.2"),
        (BUY, "105", "105.1", "105.1"),
        (SELL, "95", "94", "94.8"),
        (SELL, "95", "95", "95"),
    ],
)
def test_slippage_of_a_stop_limit_ends_at_its_limit(
    side: Side, stop: str, limit: str, price: str
) -> None:
    found = filled(stop_limit(side, stop, limit), on=terms(slippage_bps=D(15)))
    assert found.price == D(price)


@pytest.mark.parametrize(
    ("side", "stop", "limit"), [(BUY, "105", "104"), (SELL, "95", "96"), (BUY, "105", "104.9")]
)
def test_stop_limit_whose_limit_is_out_of_reach_at_the_trigger_is_only_triggered(
    side: Side, stop: str, limit: str
) -> None:
    meeting = meet(stop_limit(side, stop, limit))
    assert (meeting.fill, meeting.is_triggered) == (None, True)


@pytest.mark.parametrize(
    ("side", "stop", "limit"), [(BUY, "99", "101"), (BUY, "100", "100"), (SELL, "101", "99")]
)
def test_stop_limit_triggered_by_a_gap_fills_at_the_open_inside_its_limit(
    side: Side, stop: str, limit: str
) -> None:
    order = stop_limit(side, stop, limit)
    assert fill_at(order) == (D(100), AT_OPEN)
    assert not filled(order).is_maker


@pytest.mark.parametrize(
    ("side", "stop", "limit"), [(BUY, "90", "95"), (SELL, "110", "105"), (BUY, "89", "90")]
)
def test_stop_limit_that_the_gap_carried_past_its_limit_rests_there_from_the_open_on(
    side: Side, stop: str, limit: str
) -> None:
    order = stop_limit(side, stop, limit)
    assert fill_at(order) == (D(limit), INSIDE)
    assert filled(order).is_maker


def test_stop_limit_that_rests_out_of_reach_after_a_gap_is_only_triggered() -> None:
    meeting = meet(stop_limit(BUY, "88", "89"))
    assert (meeting.fill, meeting.is_triggered) == (None, True)


def test_triggered_stop_limit_is_a_limit_order_on_later_bars() -> None:
    order = stop_limit(BUY, "120", "104", is_triggered=True, has_rested=True)
    assert fill_at(order) == (D(100), AT_OPEN)
    assert fill_at(stop_limit(BUY, "120", "95", is_triggered=True)) == (D(95), INSIDE)
    missed = meet(stop_limit(BUY, "80", "89", is_triggered=True))
    assert (missed.fill, missed.is_triggered) == (None, True)


def trailing(side: Side, amount: str | None = "15", **changes: Any) -> RestingOrder:
    return resting(OrderType.TRAILING_STOP, side, trail_amount=amount, **changes)


def stands(meeting: Meeting) -> tuple[Decimal | None, Decimal | None]:
    assert meeting.fill is None
    assert not meeting.is_triggered
    return meeting.best_price, meeting.stop_price


@pytest.mark.parametrize(("side", "best", "stop"), [(SELL, "110", "95"), (BUY, "90", "105.1")])
def test_trailing_stop_follows_the_best_price_of_its_bar(side: Side, best: str, stop: str) -> None:
    order = trailing(side, "15" if side is SELL else "15.1")
    assert stands(meet(order)) == (D(best), D(stop))


@pytest.mark.parametrize(("side", "best", "stop"), [(SELL, "110", "93.5"), (BUY, "90", "103.5")])
def test_trailing_stop_by_ratio_stands_at_a_part_of_the_best_price(
    side: Side, best: str, stop: str
) -> None:
    calm = a_bar(close="100")
    order = trailing(side, None, trail_ratio=D("0.15"))
    assert stands(meet(order, calm)) == (D(best), D(stop))


def test_trailing_stop_rounds_away_from_the_market() -> None:
    up, down = a_bar("100", "110", "100", "105"), a_bar("100", "100", "90", "95")
    assert stands(meet(trailing(SELL, "8.83"), up))[1] == D("101.1")
    assert stands(meet(trailing(BUY, "8.83"), down))[1] == D("98.9")


def test_level_starts_from_the_open_of_the_first_bar_and_not_from_its_high() -> None:
    assert fill_at(trailing(SELL, "10")) == (D(90), INSIDE)
    assert fill_at(trailing(BUY, "10")) == (D(110), INSIDE)


def test_level_of_earlier_bars_is_tested_before_it_moves() -> None:
    order = trailing(SELL, "15", best_price="112", stop_price="97")
    meeting = meet(order)
    assert fill_at(order) == (D(97), INSIDE)
    assert (meeting.is_triggered, meeting.best_price, meeting.stop_price) == (True, D(112), D(97))


def test_open_that_is_better_than_every_price_before_moves_the_level_first() -> None:
    order = trailing(SELL, "8", best_price="95", stop_price="87")
    assert fill_at(order) == (D(92), INSIDE)


@pytest.mark.parametrize(("side", "best"), [(SELL, "120"), (SELL, "115"), (BUY, "80")])
def test_trailing_stop_that_the_open_gapped_through_fills_at_the_worse_open(
    side: Side, best: str
) -> None:
    assert fill_at(trailing(side, "15", best_price=best)) == (D(100), AT_OPEN)


@pytest.mark.parametrize(
    ("side", "close", "price"),
    [(SELL, "98", "99"), (SELL, "99", "99"), (BUY, "102", "101"), (BUY, "101", "101")],
)
def test_close_beyond_the_new_level_came_after_the_best_price_and_hit_it(
    side: Side, close: str, price: str
) -> None:
    order = trailing(side, "11")
    meeting = meet(order, a_bar(close=close))
    assert fill_at(order, a_bar(close=close)) == (D(price), INSIDE)
    assert (meeting.is_triggered, meeting.stop_price) == (True, D(price))


@pytest.mark.parametrize(("side", "close"), [(SELL, "99.1"), (BUY, "100.9")])
def test_close_short_of_the_new_level_leaves_the_stop_there(side: Side, close: str) -> None:
    assert stands(meet(trailing(side, "11"), a_bar(close=close)))[1] == D(
        99 if side is SELL else 101
    )


@pytest.mark.parametrize(
    ("order", "price", "moment"),
    [
        (trailing(SELL, "15", best_price="112"), "96.8", INSIDE),
        (trailing(SELL, "15", best_price="120"), "99.8", AT_OPEN),
        (trailing(BUY, "15", best_price="88"), "103.2", INSIDE),
    ],
)
def test_trailing_stop_pays_slippage(order: RestingOrder, price: str, moment: FillMoment) -> None:
    assert fill_at(order, on=terms(slippage_bps=D(15))) == (D(price), moment)


def test_slippage_is_paid_from_the_new_level_too() -> None:
    found = filled(trailing(SELL, "11"), a_bar(close="98"), terms(slippage_bps=D(15)))
    assert found.price == D("98.8")


def test_bar_without_a_better_price_leaves_a_trailing_stop_where_it_is() -> None:
    order = trailing(SELL, "15", best_price="111", stop_price="96")
    quiet = a_bar("100", "105", "97", "99")
    assert stands(meet(order, quiet)) == (D(111), D(96))
