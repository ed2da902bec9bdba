"""Is the order itself too small, too large or no multiple of the lot."""

from collections.abc import Iterator

from apps.core.money import plain
from apps.risk.domain.checks.findings import (
    Finding,
    above,
    intent_reduces,
    notional_of,
    steps_around,
)
from apps.risk.domain.types import OrderIntent, RiskContext


def check_quantity(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Require a positive quantity that is a multiple of the lot."""
    quantity, lot = intent.quantity, context.lot_size
    if not quantity.is_finite() or quantity <= 0:
        yield Finding(f"quantity {quantity} is not a positive number")
    elif quantity % lot != 0:
        yield Finding(
            f"quantity {plain(quantity)} is not a multiple of the lot size "
            f"{steps_around(quantity, lot)}"
        )


def check_minimum_notional(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse what the venue would find too small, unless it only reduces."""
    notional = notional_of(intent, context)
    if not intent.reduce_only and notional < context.minimum_notional:
        yield Finding(
            f"order notional {plain(notional)} is below the venue's minimum "
            f"{plain(context.minimum_notional)} for {intent.symbol}"
        )


def check_order_quantity(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold one order within its limit of units, closing orders too: a freeze quantity is one."""
    yield from above("order quantity", intent.quantity, context.limits_of("ORDER_QUANTITY"))


def check_order_notional(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Hold one order within its limit, but never prevent closing a position that has grown.

    Source: SEC Rule 15c3-5(c)(1)(ii); RTS 6 article 15(1)(b).
    """
    if not intent_reduces(intent, context):
        notional = notional_of(intent, context)
        yield from above("order notional", notional, context.limits_of("ORDER_NOTIONAL"))
