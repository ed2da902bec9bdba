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
from apps.risk.domain.types import LimitValue, OrderIntent, RiskContext


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
    """Hold the sum of all positions, long and short alike."""
    yield from _on_book("gross exposure", "GROSS_EXPOSURE", _gross_after(intent, context), context)


def check_net_exposure(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold long minus short; what brings it nearer to zero passes."""
    before, after = context.net_notional, None
    if before is not None:
        sign = 1 if intent.side == "BUY" else -1
        after = abs(before + sign * notional_of(intent, context))
        if after <= abs(before):
            return
    yield from _on_book("net exposure", "NET_EXPOSURE", after, context)


def check_concentration(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold one instrument's part of the equity."""
    if intent_reduces(intent, context):
        return
    before = abs(context.account_position_quantity)
    after = abs(context.account_position_quantity + intent.signed_quantity)
    if after <= before:
        return
    notional = after * price_of(intent, context) * context.multiplier
    yield from _of_equity("position as a part of the equity", "CONCENTRATION", notional, context)


def check_leverage(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold gross exposure over equity."""
    limits = context.limits_of("LEVERAGE")
    gross = _gross_after(intent, context)
    if not limits or (gross is not None and gross <= (context.gross_notional or ZERO)):
        return
    if gross is None:
        yield from _not_known("gross exposure", limits)
    else:
        yield from _of_equity("leverage", "LEVERAGE", gross, context)


def check_margin(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse what the free margin cannot carry, where the broker tells it."""
    if context.margin_available is None:
        return
    before = abs(context.account_position_quantity)
    added = abs(context.account_position_quantity + intent.signed_quantity) - before
    if added <= 0:
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
    units = sum(
        (
            order.quantity
            for order in context.working
            if order.side == intent.side
            and not order.reduce_only
            and (order.is_own or not own_only)
        ),
        ZERO,
    )
    return units if intent.side == "BUY" else -units


def _gross_after(intent: OrderIntent, context: RiskContext) -> Decimal | None:
    if context.gross_notional is None:
        return None
    price = price_of(intent, context) * context.multiplier
    before = abs(context.account_position_quantity)
    after = abs(context.account_position_quantity + intent.signed_quantity)
    return context.gross_notional + (after - before) * price


def _on_book(
    subject: str, kind: str, after: Decimal | None, context: RiskContext
) -> Iterator[Finding]:
    limits = context.limits_of(kind)
    if after is None:
        yield from _not_known(subject, limits)
    elif kind != "GROSS_EXPOSURE" or after > (context.gross_notional or ZERO):
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


def _not_known(subject: str, limits: list[LimitValue]) -> Iterator[Finding]:
    for limit in limits:
        yield Finding(f"the {subject} is not known, so {limit} cannot be checked", limit.is_soft)
