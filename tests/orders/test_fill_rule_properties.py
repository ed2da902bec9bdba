"""What holds of every order on every bar, whatever the prices.

A path is a walk of single ticks. A bar tells only its first, highest, lowest and last price, so
what the rules make of the bar is held against what the order would have met on the walk itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import event, given, settings
from hypothesis import strategies as st

from apps.marketdata.domain.types import Bar
from apps.orders.domain.fill_rules import FillMoment, RestingOrder
from apps.orders.domain.types import OrderType, Side
from tests.long_form import cases
from tests.orders.meetings import a_bar, meet, terms

TICK = Decimal("0.1")
LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
many = settings(max_examples=cases(20_000, short=600), deadline=None)

levels = st.integers(850, 1150)
distances = st.integers(1, 200)


def price(ticks: int) -> Decimal:
    return ticks * TICK


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    low, high = sorted((draw(st.integers(850, 1150)), draw(st.integers(850, 1150))))
    first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
    return a_bar(price(first), price(high), price(low), price(last))


@st.composite
def orders(draw: st.DrawFn) -> RestingOrder:
    kind, side = draw(st.sampled_from(list(OrderType))), draw(st.sampled_from(list(Side)))
    by_ratio = draw(st.booleans())
    distance = draw(distances)
    best = draw(st.none() | levels) if kind is OrderType.TRAILING_STOP else None
    return RestingOrder(
        order_type=kind,
        side=side,
        limit_price=price(draw(levels)) if kind in LIMITED else None,
        stop_price=price(draw(levels)) if kind.needs_stop_price else None,
        trail_amount=None if by_ratio else price(distance),
        trail_ratio=Decimal(distance) / 1000 if by_ratio else None,
        best_price=None if best is None else price(best),
        has_rested=draw(st.booleans()),
        post_only=kind is OrderType.LIMIT and draw(st.booleans()),
    )


def is_no_better(side: Side, one: Decimal, other: Decimal) -> bool:
    """Tell whether one price is the same or worse for us than the other."""
    return side.sign * (one - other) >= 0


@many
@given(order=orders(), bar=bars(), is_triggered=st.booleans())
def test_fill_lies_inside_the_bar_and_never_beyond_a_limit(
    order: RestingOrder, bar: Bar, is_triggered: bool
) -> None:
    waits = order.order_type not in (OrderType.MARKET, OrderType.LIMIT)
    order = replace(order, is_triggered=waits and is_triggered)
    found = meet(order, bar).fill
    if found is None:
        return
    event(f"{order.order_type} {found.moment}")
    assert bar.low <= found.price <= bar.high
    assert found.price % TICK == 0
    if order.limit_price is not None:
        assert is_no_better(order.side, order.limit_price, found.price)
    if order.order_type is OrderType.STOP and not is_triggered:
        assert order.stop_price is not None
        assert is_no_better(order.side, found.price, order.stop_price)
    if found.moment is FillMoment.AT_OPEN:
        assert found.price == bar.open


@many
@given(order=orders(), bar=bars(), slippage=st.integers(0, 300))
def test_slippage_changes_nothing_but_the_price_and_that_against_us_within_its_measure(
    order: RestingOrder, bar: Bar, slippage: int
) -> None:
    free, slipped = meet(order, bar), meet(order, bar, terms(slippage_bps=Decimal(slippage)))
    assert replace(free, fill=None) == replace(slipped, fill=None)
    assert (free.fill is None) == (slipped.fill is None)
    if free.fill is None or slipped.fill is None:
        return
    assert replace(slipped.fill, price=free.fill.price) == free.fill
    assert is_no_better(order.side, slipped.fill.price, free.fill.price)
    worst = free.fill.price * slippage / 10_000 + TICK
    assert abs(slipped.fill.price - free.fill.price) <= (worst if slippage else 0)
    if order.limit_price is not None:
        assert is_no_better(order.side, order.limit_price, slipped.fill.price)


@many
@given(order=orders(), bar=bars())
def test_meeting_a_bar_is_a_function_of_the_order_and_the_bar(
    order: RestingOrder, bar: Bar
) -> None:
    assert meet(order, bar) == meet(order, bar)
    assert not (meet(order, bar).fill and meet(order, bar).takes_liquidity)


@many
@given(
    side=st.sampled_from(list(Side)),
    distance=distances,
    by_ratio=st.booleans(),
    play=st.lists(bars(), min_size=1, max_size=12),
)
def test_level_of_a_trailing_stop_never_loosens_and_never_passes_its_distance(
    side: Side, distance: int, by_ratio: bool, play: list[Bar]
) -> None:
    order = RestingOrder(
        order_type=OrderType.TRAILING_STOP,
        side=side,
        trail_amount=None if by_ratio else price(distance),
        trail_ratio=Decimal(distance) / 1000 if by_ratio else None,
    )
    stood: list[Decimal] = []
    for bar in play:
        meeting = meet(order, bar)
        assert meeting.stop_price is not None
        assert meeting.best_price is not None
        stood.append(meeting.stop_price)
        gap = -side.sign * (meeting.best_price - meeting.stop_price)
        wanted = meeting.best_price * distance / 1000 if by_ratio else price(distance)
        assert wanted <= gap < wanted + TICK
        if meeting.fill is not None:
            break
        order = replace(order, best_price=meeting.best_price, stop_price=meeting.stop_price)
    assert all(is_no_better(side, before, after) for before, after in pairwise(stood))


@dataclass(frozen=True)
class Walk:
    """Prices one tick apart, in ticks."""

    ticks: tuple[int, ...]

    @property
    def bar(self) -> Bar:
        steps = self.ticks
        return a_bar(price(steps[0]), price(max(steps)), price(min(steps)), price(steps[-1]))


def _walk(start: int, runs: Sequence[int]) -> Walk:
    steps = [1 if run > 0 else -1 for run in runs for _ in range(abs(run))]
    return Walk(tuple(accumulate(steps, initial=start)))


walks = st.builds(_walk, st.integers(950, 1050), st.lists(st.integers(-60, 60), max_size=6))


def walked_fill(order: RestingOrder, walk: Walk) -> Decimal | None:
    """Return where an order fills on a walk, as plainly as it can be told."""
    buys = order.side is Side.BUY
    best, is_live = order.best_price, order.order_type is OrderType.LIMIT
    for ticks in walk.ticks:
        last = price(ticks)
        if order.order_type is OrderType.TRAILING_STOP:
            best = last if best is None else (min if buys else max)(best, last)
            distance = order.trail_amount or best * (order.trail_ratio or 0)
            is_live = last >= best + distance if buys else last <= best - distance
        elif order.stop_price is not None and not is_live:
            rises = buys != (order.order_type is OrderType.TAKE_PROFIT)
            is_live = last >= order.stop_price if rises else last <= order.stop_price
        limit = order.limit_price
        if is_live and (limit is None or (last <= limit if buys else last >= limit)):
            return last
    return None


@many
@given(order=orders(), walk=walks)
def test_order_with_one_price_meets_a_bar_as_it_meets_every_walk_behind_it(
    order: RestingOrder, walk: Walk
) -> None:
    if order.order_type not in (OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT):
        return
    found = meet(replace(order, post_only=False), walk.bar).fill
    assert (found.price if found else None) == walked_fill(order, walk)


@many
@given(order=orders(), walk=walks)
def test_stop_limit_fills_only_where_every_walk_behind_the_bar_fills_it_there(
    order: RestingOrder, walk: Walk
) -> None:
    order = replace(
        order,
        order_type=OrderType.STOP_LIMIT,
        limit_price=order.limit_price or price(1000),
        stop_price=order.stop_price or price(1010),
        post_only=False,
    )
    found = meet(order, walk.bar).fill
    if found is not None:
        assert found.price == walked_fill(order, walk)


@many
@given(
    side=st.sampled_from(list(Side)),
    distance=distances,
    best=st.none() | st.integers(940, 1060),
    walk=walks,
)
def test_trailing_stop_fills_only_where_every_walk_behind_the_bar_fills_it(
    side: Side, distance: int, best: int | None, walk: Walk
) -> None:
    order = RestingOrder(
        order_type=OrderType.TRAILING_STOP,
        side=side,
        trail_amount=price(distance),
        best_price=None if best is None else price(best),
    )
    meeting, walked = meet(order, walk.bar), walked_fill(order, walk)
    if meeting.fill is None:
        return
    assert walked is not None
    if not _has_moved(order, meeting.best_price, walk):
        # Hit at the level of before the bar: no walk gave less than that
        assert is_no_better(side, meeting.fill.price, walked)


def _has_moved(order: RestingOrder, best: Decimal | None, walk: Walk) -> bool:
    """Tell whether the level followed a price that came inside the bar."""
    first = price(walk.ticks[0])
    better = max if order.side is Side.SELL else min
    start = first if order.best_price is None else better(order.best_price, first)
    return best != start
