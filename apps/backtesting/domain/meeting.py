"""The fill rules of ``orders.domain.fill_rules`` for compiled loops: the same, rule by rule.

Prices are floats here. Each is made by one division of two whole numbers, so that it is the very
float that the exact decimal reads as, and comparisons come out as in the exact rules. A property
test holds both side by side.
"""

import math
from typing import NamedTuple

from apps.backtesting.domain.compiled import compiled

MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP, TAKE_PROFIT = range(6)
FLOOR, CEILING, NEAREST = range(3)
SNAP = 1e-9
"""How near a whole number of steps a float counts as that number."""


class Steps(NamedTuple):
    """The step of a price as a fraction, and how near to a step counts as on it."""

    numerator: float
    denominator: float
    snap: float


class Order(NamedTuple):
    """An open order as far as it decides how it meets a bar; NaN is a price that it has not.

    Attributes:
        kind: MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP or TAKE_PROFIT.
        sign: 1 for a buy, -1 for a sell.
    """

    kind: int
    sign: float
    limit: float
    stop: float
    trail_amount: float
    trail_ratio: float
    best: float
    is_triggered: bool
    has_rested: bool
    post_only: bool


class Met(NamedTuple):
    """What a bar does to an order.

    Attributes:
        price: NaN where the bar does not reach it.
        at_open: It filled at the bar's open.
        is_maker: It stood in the book and the market came to it.
        is_triggered, best, stop: How the order goes on; ``best`` is NaN before the first bar.
        takes_liquidity: A post-only order that would have traded on arrival.
    """

    price: float
    at_open: bool
    is_maker: bool
    is_triggered: bool
    best: float
    stop: float
    takes_liquidity: bool


@compiled
def whole_steps(amount: float, steps: Steps, rounding: int) -> float:
    """Return how many steps an amount is, rounded."""
    count = amount * steps.denominator / steps.numerator
    nearest = float(round(count))
    if rounding == NEAREST or abs(count - nearest) <= steps.snap * (1 + 1e-5 * abs(count)):
        return nearest
    return math.floor(count) if rounding == FLOOR else math.ceil(count)


@compiled
def on_step(amount: float, steps: Steps, rounding: int) -> float:
    """Round an amount to a multiple of the step, as the float that the exact decimal reads as."""
    return whole_steps(amount, steps, rounding) * steps.numerator / steps.denominator


@compiled
def at_least_a_step(price: float, steps: Steps) -> float:
    """Return a price that is no lower than one step."""
    return max(price, steps.numerator / steps.denominator)


@compiled
def slipped(price: float, sign: float, slippage: float, steps: Steps) -> float:
    """Return the price after slippage: against us, on the tick, at least one tick."""
    if slippage == 0:
        return price
    rounding = CEILING if sign > 0 else FLOOR
    return at_least_a_step(on_step(price * (1 + sign * slippage), steps, rounding), steps)


@compiled
def exit_level(entry: float, sign: float, is_target: bool, distance: float, steps: Steps) -> float:
    """Return a protective exit's price: between two ticks, the one in the direction of profit.

    Args:
        sign: Of the entry: 1 for a long position.
    """
    away = distance if is_target else -distance
    return on_step(entry * (1 + sign * away), steps, CEILING if sign > 0 else FLOOR)


@compiled
def trailed(order: Order, price: float, steps: Steps) -> tuple[float, float]:
    """Return best price and stop of a trailing stop after it has seen a price."""
    sells = order.sign < 0
    best = order.best
    if math.isnan(best) or (price > best if sells else price < best):
        best = price
    distance = order.trail_amount
    if math.isnan(distance):
        distance = best * order.trail_ratio
    level = on_step(best + order.sign * distance, steps, FLOOR if sells else CEILING)
    return best, at_least_a_step(level, steps)


@compiled
def reached(level: float, opened: float, extreme: float, upwards: bool) -> int:
    """Return 1 where the price was at or beyond a level at the open, 2 inside the bar, else 0."""
    if opened >= level if upwards else opened <= level:
        return 1
    if extreme >= level if upwards else extreme <= level:
        return 2
    return 0


@compiled
def missed(is_triggered: bool, best: float, stop: float) -> Met:
    """Say that a bar does not fill an order."""
    return Met(math.nan, False, False, is_triggered, best, stop, False)


@compiled
def meet_limit(order: Order, opened: float, high: float, low: float, has_rested: bool) -> Met:
    """Fill a limit order at the open where the price gapped through it, else at its limit."""
    sells = order.sign < 0
    moment = reached(order.limit, opened, high if sells else low, sells)
    if moment == 0:
        return missed(order.is_triggered, order.best, order.stop)
    is_maker = has_rested or moment == 2
    if order.post_only and not is_maker:
        return Met(math.nan, False, False, order.is_triggered, order.best, order.stop, True)
    price = opened if moment == 1 else order.limit
    return Met(price, moment == 1, is_maker, order.is_triggered, order.best, order.stop, False)


@compiled
def meet_level(
    order: Order, bar: tuple[float, float, float], upwards: bool, slippage: float, steps: Steps
) -> Met:
    """Fill an order as a market order where the bar reaches its stop price."""
    opened, high, low = bar
    moment = reached(order.stop, opened, high if upwards else low, upwards)
    if moment == 0:
        return missed(order.is_triggered, order.best, order.stop)
    price = slipped(opened if moment == 1 else order.stop, order.sign, slippage, steps)
    return Met(price, moment == 1, False, True, order.best, order.stop, False)


@compiled
def meet_stop_limit(
    order: Order, bar: tuple[float, float, float], slippage: float, steps: Steps
) -> Met:
    """Trigger like a stop; fill no worse than the limit."""
    opened, high, low = bar
    buys = order.sign > 0
    moment = reached(order.stop, opened, high if buys else low, buys)
    if moment == 0:
        return missed(False, order.best, order.stop)
    if moment == 1:
        met = meet_limit(order, opened, high, low, False)
        return Met(
            met.price, met.at_open, met.is_maker, True, met.best, met.stop, met.takes_liquidity
        )
    if order.sign * (order.stop - order.limit) > 0:
        return missed(True, order.best, order.stop)
    price = slipped(order.stop, order.sign, slippage, steps)
    price = min(price, order.limit) if buys else max(price, order.limit)
    return Met(price, False, False, True, order.best, order.stop, False)


@compiled
def meet_trailing(
    order: Order, bar: tuple[float, float, float], close: float, slippage: float, steps: Steps
) -> Met:
    """Be first a stop at the level before the bar, then follow the bar's best price."""
    opened, high, low = bar
    sells = order.sign < 0
    best, stop = trailed(order, opened, steps)
    before = moved(order, best, stop)
    hit = meet_level(before, bar, not sells, slippage, steps)
    if not math.isnan(hit.price):
        return hit
    best, stop = trailed(before, high if sells else low, steps)
    if close > stop if sells else close < stop:
        return missed(False, best, stop)
    return Met(slipped(stop, order.sign, slippage, steps), False, False, True, best, stop, False)


@compiled
def moved(order: Order, best: float, stop: float) -> Order:
    """Return a trailing stop at its new place."""
    return Order(
        order.kind,
        order.sign,
        order.limit,
        stop,
        order.trail_amount,
        order.trail_ratio,
        best,
        order.is_triggered,
        order.has_rested,
        order.post_only,
    )


@compiled
def meet(
    order: Order, bar: tuple[float, float, float], close: float, slippage: float, steps: Steps
) -> Met:
    """Let an open order meet a bar (open, high, low) that opened after it was accepted."""
    kind = order.kind
    if order.is_triggered and kind != LIMIT:
        kind = LIMIT if kind == STOP_LIMIT else MARKET
    if kind == MARKET:
        price = slipped(bar[0], order.sign, slippage, steps)
        return Met(price, True, False, order.is_triggered, order.best, order.stop, False)
    if kind == LIMIT:
        return meet_limit(order, bar[0], bar[1], bar[2], order.has_rested)
    if kind == STOP:
        return meet_level(order, bar, order.sign > 0, slippage, steps)
    if kind == TAKE_PROFIT:
        return meet_level(order, bar, order.sign < 0, slippage, steps)
    if kind == STOP_LIMIT:
        return meet_stop_limit(order, bar, slippage, steps)
    return meet_trailing(order, bar, close, slippage, steps)
