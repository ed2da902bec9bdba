"""What the account would hold once the order has filled."""

from collections.abc import Iterator
from decimal import Decimal

from apps.core.money import ZERO, plain
from apps.risk.domain.checks.findings import (
    Finding,
    above,
    intent_reduces,
    notional_of,
    price_of,
)
from apps.risk.domain.growth import notional_growth
from apps.risk.domain.types import LimitValue, OrderIntent, RiskContext, WorkingOrder


def check_position_notional(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold the position after the fill within its limit; what gets smaller always passes.

    A deployment's limit bounds what the deployment holds, the others what the account holds.
    Orders on the same side that still work are taken as filled: two that each fit would not.
    """
    if intent_reduces(intent, context):
        return
    for limit in context.limits_of("POSITION_NOTIONAL"):
        is_own = limit.scope == "deployment"
        before = context.position_quantity if is_own else context.account_position_quantity
        working = _working_with(intent, context, own_only=is_own)
        after = abs(before + working + intent.signed_quantity)
        if after > abs(before):
            notional = after * price_of(intent, context) * context.multiplier
            yield from above("position notional after the fill", notional, [limit])


def check_gross_exposure(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold the sum of all positions, long and short alike, as orders that work may make it."""
    if _adds_nothing(intent, context):
        return
    yield from _on_book("gross exposure", "GROSS_EXPOSURE", _gross_after(intent, context), context)


def check_net_exposure(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold long minus short, as the worse side of all orders that work may make it.

    What brings it nearer to zero passes. What makes its own position smaller is held only for
    where that itself takes it, and never for orders elsewhere.
    """
    before = context.net_notional
    if before is None or (context.working_unpriced and not intent_reduces(intent, context)):
        yield from _on_book("net exposure", "NET_EXPOSURE", None, context)
        return
    own, other = _net_sides(intent, context, before)
    if own > abs(before):
        yield from _on_book("net exposure", "NET_EXPOSURE", max(own, other), context)


def check_concentration(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold one instrument's part of the equity, as orders that work may make it."""
    if _adds_nothing(intent, context):
        return
    held = abs(context.account_position_quantity) * price_of(intent, context) * context.multiplier
    notional = held + _added_at_worst(intent, context)
    yield from _of_equity("position as a part of the equity", "CONCENTRATION", notional, context)


def check_leverage(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold gross exposure over equity, as orders that work may make it."""
    limits = context.limits_of("LEVERAGE")
    if not limits or _adds_nothing(intent, context):
        return
    gross = _gross_after(intent, context)
    if gross is None:
        yield from _book_not_known("gross exposure", limits, context)
    else:
        yield from _of_equity("leverage", "LEVERAGE", gross, context)


def check_margin(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse what the free margin cannot carry, where an instrument is traded on margin."""
    if context.margin_available is None:
        return
    before = abs(context.account_position_quantity)
    added = abs(context.account_position_quantity + intent.signed_quantity) - before
    if added <= 0:
        return
    if context.working_unpriced:
        yield Finding(f"the free margin is not known: {_no_price(context)}")
        return
    price = price_of(intent, context) * context.multiplier
    needed = added * price * context.initial_margin_ratio
    if needed > context.margin_available:
        yield Finding(
            f"the order ties up a margin of {plain(needed)}, and {plain(context.margin_available)} "
            "is free; make it smaller or add funds"
        )


def _working_with(intent: OrderIntent, context: RiskContext, *, own_only: bool) -> Decimal:
    """Return the signed units that orders on the intent's side may still add."""
    orders = _working_on(intent.side, context)
    units = sum((order.quantity for order in orders if order.is_own or not own_only), ZERO)
    return units if intent.side == "BUY" else -units


def _working_on(side: str, context: RiskContext) -> list[WorkingOrder]:
    """Return the orders of a side that may make a position larger."""
    return [order for order in context.working if order.side == side and not order.reduce_only]


def _side_of(side: str, context: RiskContext) -> tuple[Decimal, Decimal]:
    """Return units and notional, each at its own price, of the orders that work on a side."""
    orders = _working_on(side, context)
    notionals = (
        order.quantity * (order.limit_price or context.reference_price) for order in orders
    )
    units = sum((order.quantity for order in orders), ZERO)
    return units, sum(notionals, ZERO) * context.multiplier


def _side_asked(intent: OrderIntent, context: RiskContext) -> tuple[Decimal, Decimal]:
    """Return the same with the order that is asked for."""
    units, notional = _side_of(intent.side, context)
    return units + intent.quantity, notional + notional_of(intent, context)


def _added(side: str, units: Decimal, notional: Decimal, context: RiskContext) -> Decimal:
    return notional_growth(
        held=context.account_position_quantity,
        units=units if side == "BUY" else -units,
        notional=notional,
    )


def _adds_nothing(intent: OrderIntent, context: RiskContext) -> bool:
    """Tell whether the order leaves the account's position as small, whatever else fills first."""
    is_against = intent.signed_quantity * context.account_position_quantity < 0
    if intent_reduces(intent, context) or (intent.reduce_only and is_against):
        return True
    return _added(intent.side, *_side_asked(intent, context), context) == ZERO


def _added_at_worst(intent: OrderIntent, context: RiskContext) -> Decimal:
    """Return the growth when the worse side fills: the intent's with it, or the other alone."""
    other = "SELL" if intent.side == "BUY" else "BUY"
    return max(
        _added(intent.side, *_side_asked(intent, context), context),
        _added(other, *_side_of(other, context), context),
    )


def _net_sides(
    intent: OrderIntent, context: RiskContext, before: Decimal
) -> tuple[Decimal, Decimal]:
    """Return what net exposure comes to, unsigned, when a side fills: the intent's, and the other.

    Of an intent that makes its position smaller only what is on its own instrument counts.
    """
    is_buy = intent.side == "BUY"
    _, asked = _side_asked(intent, context)
    if intent_reduces(intent, context):
        return abs(before + (asked if is_buy else -asked)), ZERO
    _, resting = _side_of("SELL" if is_buy else "BUY", context)
    buys = context.working_buys_elsewhere + (asked if is_buy else resting)
    sells = context.working_sells_elsewhere + (resting if is_buy else asked)
    up, down = abs(before + buys), abs(before - sells)
    return (up, down) if is_buy else (down, up)


def _gross_after(intent: OrderIntent, context: RiskContext) -> Decimal | None:
    if context.gross_notional is None or context.working_unpriced:
        return None
    elsewhere = context.working_notional_elsewhere
    return context.gross_notional + elsewhere + _added_at_worst(intent, context)


def _on_book(
    subject: str, kind: str, after: Decimal | None, context: RiskContext
) -> Iterator[Finding]:
    limits = context.limits_of(kind)
    if after is None:
        yield from _book_not_known(subject, limits, context)
    else:
        yield from above(f"{subject} after the fill", after, limits)


def _of_equity(
    subject: str, kind: str, notional: Decimal, context: RiskContext
) -> Iterator[Finding]:
    limits = context.limits_of(kind)
    if not limits:
        return
    if context.equity is None or context.equity <= 0:
        yield from _not_known("equity", limits)
        return
    yield from above(f"{subject} after the fill", notional / context.equity, limits)


def _book_not_known(
    subject: str, limits: list[LimitValue], context: RiskContext
) -> Iterator[Finding]:
    because = _no_price(context) if context.working_unpriced else ""
    yield from _not_known(subject, limits, because)


def _no_price(context: RiskContext) -> str:
    return (
        f"an order works at market on {context.working_unpriced}, of which no price is known; "
        "start its feed or import candles"
    )


def _not_known(subject: str, limits: list[LimitValue], because: str = "") -> Iterator[Finding]:
    for limit in limits:
        reason = f"the {subject} is not known, so {limit} cannot be checked"
        yield Finding(f"{reason}: {because}" if because else reason, limit.is_soft)
