"""The compiled fill rules are the exact ones: random orders and bars go through both."""

from dataclasses import replace
from decimal import Decimal
from math import isnan, nan

from hypothesis import event, given, settings
from hypothesis import strategies as st

from apps.backtesting.domain import meeting as loops
from apps.marketdata.domain.types import Bar
from apps.orders.domain.fill_rules import FillMoment, Meeting, RestingOrder, exit_price, order_meet
from apps.orders.domain.types import OrderRole, OrderType, Side
from tests.long_form import cases
from tests.orders.meetings import a_bar, terms

KINDS = {
    OrderType.MARKET: loops.MARKET,
    OrderType.LIMIT: loops.LIMIT,
    OrderType.STOP: loops.STOP,
    OrderType.STOP_LIMIT: loops.STOP_LIMIT,
    OrderType.TRAILING_STOP: loops.TRAILING_STOP,
    OrderType.TAKE_PROFIT: loops.TAKE_PROFIT,
}
LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
ticks = st.sampled_from([Decimal(text) for text in ("0.1", "0.05", "0.00001", "0.25", "1", "5")])
many = settings(max_examples=cases(50_000, short=1500), deadline=None)
levels = st.integers(850, 1150)


@st.composite
def meetings(draw: st.DrawFn) -> tuple[RestingOrder, Bar, Decimal, Decimal]:
    tick = draw(ticks)
    low, high = sorted((draw(levels), draw(levels)))
    first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
    bar = a_bar(*(each * tick for each in (first, high, low, last)))
    kind, side = draw(st.sampled_from(list(OrderType))), draw(st.sampled_from(list(Side)))
    by_ratio, distance = draw(st.booleans()), draw(st.integers(1, 200))
    trails = kind is OrderType.TRAILING_STOP
    best = draw(st.none() | levels) if trails else None
    waits = kind not in (OrderType.MARKET, OrderType.LIMIT)
    order = RestingOrder(
        order_type=kind,
        side=side,
        limit_price=draw(levels) * tick if kind in LIMITED else None,
        stop_price=draw(levels) * tick if kind.needs_stop_price else None,
        trail_amount=None if by_ratio else distance * tick,
        trail_ratio=Decimal(distance) / 1000 if by_ratio else None,
        best_price=None if best is None else best * tick,
        is_triggered=waits and draw(st.booleans()),
        has_rested=draw(st.booleans()),
        post_only=kind is OrderType.LIMIT and draw(st.booleans()),
    )
    slippage = Decimal(draw(st.sampled_from(["0", "1", "2.5", "7", "33.3"])))
    return order, bar, tick, slippage


def number(price: Decimal | None) -> float:
    return nan if price is None else float(price)


def steps_of(step: Decimal) -> loops.Steps:
    numerator, denominator = step.as_integer_ratio()
    return loops.Steps(float(numerator), float(denominator), loops.SNAP)


def met_by_loop(order: RestingOrder, bar: Bar, tick: Decimal, slippage: Decimal) -> loops.Met:
    return loops.meet(
        loops.Order(
            KINDS[order.order_type],
            float(order.side.sign),
            number(order.limit_price),
            number(order.stop_price),
            number(order.trail_amount),
            number(order.trail_ratio),
            number(order.best_price),
            order.is_triggered,
            order.has_rested,
            order.post_only,
        ),
        (float(bar.open), float(bar.high), float(bar.low)),
        float(bar.close),
        float(slippage / 10_000),
        steps_of(tick),
    )


def as_numbers(meeting: Meeting) -> list[float]:
    fill = meeting.fill
    return [
        number(fill.price if fill else None),
        float(fill is not None and fill.moment is FillMoment.AT_OPEN),
        float(fill is not None and fill.is_maker),
        float(meeting.is_triggered),
        number(meeting.best_price),
        number(meeting.stop_price),
        float(meeting.takes_liquidity),
    ]


def is_same(one: float, other: float) -> bool:
    return one == other or (isnan(one) and isnan(other))


@many
@given(case=meetings())
def test_loop_and_exact_rule_make_the_same_of_every_order_and_bar(
    case: tuple[RestingOrder, Bar, Decimal, Decimal],
) -> None:
    order, bar, tick, slippage = case
    exact = order_meet(order, bar, terms(tick_size=tick, slippage_bps=slippage))
    event(f"{order.order_type} {exact.fill.moment if exact.fill else 'not reached'}")
    found = [float(each) for each in met_by_loop(order, bar, tick, slippage)]
    pairs = zip(found, as_numbers(exact), strict=True)
    assert all(is_same(one, other) for one, other in pairs), (found, exact)


@many
@given(
    tick=ticks,
    entry=st.integers(1, 2_000_000),
    distance=st.integers(1, 9_999),
    role=st.sampled_from([OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT]),
    side=st.sampled_from(list(Side)),
)
def test_protective_exits_stand_on_the_same_tick(
    tick: Decimal, entry: int, distance: int, role: OrderRole, side: Side
) -> None:
    ratio = Decimal(distance) / 10_000
    exact = exit_price(
        entry_side=side, role=role, entry_price=entry * tick, distance_ratio=ratio, tick_size=tick
    )
    found = loops.exit_level(
        float(entry * tick),
        float(side.sign),
        role is OrderRole.TAKE_PROFIT,
        float(ratio),
        steps_of(tick),
    )
    assert found == float(exact)


def test_trailing_stop_that_has_seen_nothing_starts_from_the_open() -> None:
    order = RestingOrder(
        order_type=OrderType.TRAILING_STOP, side=Side.SELL, trail_ratio=Decimal("0.01")
    )
    bar = replace(a_bar(), low=Decimal("99.5"), close=Decimal("109.9"))
    met = met_by_loop(order, bar, Decimal("0.1"), Decimal(0))
    assert (met.best, met.stop) == (110.0, 108.9)
