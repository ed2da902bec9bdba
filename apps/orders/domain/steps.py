"""Whether prices and quantities stand on their steps and within their bands."""

from collections.abc import Iterator
from decimal import Decimal

from apps.core.money import plain
from apps.orders.domain.tickets import Objection, TradingRules


def price_objections(field: str, price: Decimal, rules: TradingRules) -> Iterator[Objection]:
    """Object to a price that is not positive, off its tick or outside the day's band."""
    if not price.is_finite() or price <= 0:
        yield Objection(field, f"A price must be positive, was {price}.")
        return
    if price % rules.tick_size != 0:
        yield Objection(
            field,
            f"{plain(price)} is not a multiple of the tick size {plain(rules.tick_size)}; "
            f"{steps_around(price, rules.tick_size)}.",
        )
    low, high = rules.lower_price_band, rules.upper_price_band
    if (low is not None and price < low) or (high is not None and price > high):
        yield Objection(
            field,
            f"{plain(price)} lies outside today's price band of {rules.symbol}, "
            f"{plain(low) if low is not None else 'open'} to "
            f"{plain(high) if high is not None else 'open'}.",
        )


def steps_around(value: Decimal, step: Decimal) -> str:
    """Name the multiples of ``step`` next to ``value``, as the end of a sentence."""
    below = value // step * step
    above = plain(below + step)
    return f"nearest are {plain(below)} and {above}" if below > 0 else f"the smallest is {above}"
