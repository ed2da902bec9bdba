"""Is there a market, and does the price make sense in it."""

from collections.abc import Iterator
from decimal import Decimal

from apps.core.money import plain
from apps.risk.domain.checks.findings import Finding, intent_reduces, steps_around
from apps.risk.domain.types import OrderIntent, RiskContext

_BPS = Decimal(10_000)
_LIMIT_TYPES = ("LIMIT", "STOP_LIMIT")
_STOP_TYPES = ("STOP", "STOP_LIMIT", "TAKE_PROFIT")


def check_session(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Send nothing while the market is closed."""
    if not context.session_is_open:
        note = f" ({context.session_note})" if context.session_note else ""
        yield Finding(f"the market of {intent.symbol} is closed{note}; wait for its session")


def check_tradable(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse what can only be watched: indices and suspended instruments.

    What makes a position smaller passes: whether it can still be closed, the venue decides.
    """
    if not context.instrument_is_tradable and not intent_reduces(intent, context):
        yield Finding(
            f"{intent.symbol} is not tradable; choose an instrument that is marked as tradable"
        )


def check_price(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Require a known market price, and prices on the tick where the order needs them."""
    if not context.reference_price.is_finite() or context.reference_price <= 0:
        yield Finding(f"the reference price {context.reference_price} is not a positive number")
    needed = (
        ("limit", intent.limit_price, intent.order_type in _LIMIT_TYPES),
        ("stop", intent.stop_price, intent.order_type in _STOP_TYPES),
    )
    for name, price, is_needed in needed:
        if price is None:
            if is_needed:
                yield Finding(f"a {intent.order_type.lower()} order needs a {name} price")
        elif not price.is_finite() or price <= 0:
            yield Finding(f"{name} price {price} is not a positive number")
        elif price % context.tick_size != 0:
            yield Finding(
                f"{name} price {plain(price)} is not a multiple of the tick size "
                f"{steps_around(price, context.tick_size)}"
            )


def check_stale_price(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Take no new risk on prices that are too old; what reduces always passes."""
    limits = context.limits_of("PRICE_AGE")
    if not limits or intent_reduces(intent, context):
        return
    age = context.price_age_seconds
    for limit in limits:
        if age is None:
            yield Finding(f"there is no price of {intent.symbol} to judge the order by")
        elif age > limit.value:
            yield Finding(f"the newest price is {age:.0f} s old, above {limit} s", limit.is_soft)


def check_price_collar(intent: OrderIntent, context: RiskContext) -> Iterator[Finding]:
    """Refuse a limit price that is far worse than the last price or the mid.

    Only the side that hurts counts. Source: RTS 6 article 15(1)(a); NSE best practices.
    """
    if intent.limit_price is None:
        return
    sign = 1 if intent.side == "BUY" else -1
    references = (("last price", context.last_price), ("mid", context.mid_price))
    known = [(name, price) for name, price in references if price is not None]
    for limit in context.limits_of("PRICE_COLLAR"):
        for name, price in known or [("reference price", context.reference_price)]:
            distance = sign * (intent.limit_price - price) / price * _BPS
            if distance > limit.value:
                yield Finding(
                    f"{intent.side} at {plain(intent.limit_price)} is {distance:.0f} bps worse "
                    f"than the {name} {plain(price)}, above {limit} bps",
                    limit.is_soft,
                )
                break
