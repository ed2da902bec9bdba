"""What checks answer with, and the arithmetic that several of them share."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from apps.core.money import ZERO, plain
from apps.risk.domain.types import LimitValue, OrderIntent, RiskContext


@dataclass(frozen=True, slots=True)
class Finding:
    """An objection in a sentence; a soft one warns and lets the order pass."""

    reason: str
    is_soft: bool = False


Check = Callable[[OrderIntent, RiskContext], Iterable[Finding]]


def intent_reduces(intent: OrderIntent, context: RiskContext) -> bool:
    """Tell whether a fill brings this deployment's position nearer to zero and never across it.

    What works on the same side counts as filled before it, unless the order may only reduce.
    """
    if not intent.quantity.is_finite() or intent.opens:
        return False
    position = context.position_quantity
    against = intent.signed_quantity * position < 0
    return against and intent.quantity + leaving_before(intent, context) <= abs(position)


def leaving_before(intent: OrderIntent, context: RiskContext) -> Decimal:
    """Return how many units may leave the position before an order that is no reduce-only does."""
    if intent.reduce_only:
        return ZERO
    own = (order for order in context.working if order.is_own and order.side == intent.side)
    return sum((order.quantity for order in own), ZERO)


def price_of(intent: OrderIntent, context: RiskContext) -> Decimal:
    """Return the price that an order is valued at: its worst one, or the market's."""
    if intent.limit_price is not None:
        return intent.limit_price
    return context.reference_price if intent.stop_price is None else intent.stop_price


def notional_of(intent: OrderIntent, context: RiskContext) -> Decimal:
    """Return the order's value in quote currency."""
    return intent.quantity * price_of(intent, context) * context.multiplier


def above(subject: str, value: Decimal, limits: Iterable[LimitValue]) -> Iterator[Finding]:
    """Object to a value that exceeds limits; a value equal to one passes."""
    for limit in limits:
        if value > limit.value:
            yield Finding(f"{subject} {plain(value)} is above {limit}", limit.is_soft)


def steps_around(value: Decimal, step: Decimal) -> str:
    """Name the step and its nearest multiples."""
    below = value // step * step
    nearest = f"nearest are {plain(below)} and {plain(below + step)}"
    return f"{plain(step)}; {nearest if below > ZERO else f'the smallest is {plain(step)}'}"
