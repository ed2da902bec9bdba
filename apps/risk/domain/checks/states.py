"""May anything be sent at all: trading state, reconciliation, freeze and throttle."""

from collections.abc import Iterator

from apps.core.money import plain
from apps.risk.domain.checks.findings import Finding, intent_reduces
from apps.risk.domain.types import OrderIntent, RiskContext


def check_trading_state(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Stop every order when HALTED; when REDUCING pass what makes the position smaller."""
    because = f": {context.trading_state_reason}" if context.trading_state_reason else ""
    if context.trading_state == "ACTIVE":
        return
    if context.trading_state != "REDUCING":
        yield Finding(
            f"trading is {context.trading_state}{because}; nothing is sent until it is ACTIVE"
        )
    elif not intent_reduces(intent, context):
        yield Finding(
            f"trading is REDUCING{because}; only orders that make the position smaller pass, and "
            f"{intent.side} {plain(intent.quantity)} on a position of "
            f"{plain(context.position_quantity)} does not"
        )


def check_reconciled(_intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Send nothing from an account that does not match its broker."""
    if not context.is_reconciled:
        yield Finding(
            "the account is not reconciled with its broker; "
            "run the reconciliation and resolve its breaks first"
        )


def check_frozen(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Wait while an order with an unknown outcome freezes account and instrument."""
    if context.is_frozen:
        yield Finding(
            f"{intent.symbol} is frozen on this account: {context.freeze_reason}; "
            "it is released when that outcome is known"
        )


def check_throttled(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Open nothing while the repeated-execution throttle waits for a person.

    Source: RTS 6 (EU 2017/589) article 15(3).
    """
    if context.is_throttled and not intent_reduces(intent, context):
        yield Finding(
            f"the repeated-execution throttle has stopped this deployment: "
            f"{context.throttle_reason}; a person must enable it again"
        )
