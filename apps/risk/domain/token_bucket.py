"""Counts orders against a rate: the bucket fills steadily and each order takes one token."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS = Decimal(1_000_000)


def tokens_left(
    *, taken_at: Iterable[datetime], moment: datetime, orders_per_second: Decimal, burst: Decimal
) -> Decimal:
    """Return how many orders may be sent at ``moment``.

    Args:
        taken_at: When orders were sent, oldest first (aware); those before the bucket could have
            filled again since may be left out.
        burst: Tokens of a full bucket, one or more.

    Returns:
        0 to ``burst``; whole tokens count as orders.
    """
    tokens, at = burst, None
    for taken in taken_at:
        if at is not None:
            tokens = min(burst, tokens + _gained(at, taken, orders_per_second))
        tokens = max(tokens - 1, Decimal(0))
        at = taken
    if at is None:
        return burst
    return min(burst, tokens + _gained(at, moment, orders_per_second))


def window_of(*, orders_per_second: Decimal, burst: Decimal) -> timedelta:
    """Return how far back orders matter: after so long without any, the bucket is full."""
    return timedelta(seconds=float(burst / orders_per_second)) + _MICROSECOND


def _gained(start: datetime, end: datetime, orders_per_second: Decimal) -> Decimal:
    return Decimal((end - start) // _MICROSECOND) * orders_per_second / _MICROSECONDS
