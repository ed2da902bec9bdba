"""The one source of the current time, so that tests and simulations can stand in another moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_standing_at: ContextVar[datetime | None] = ContextVar("standing_at", default=None)


def now() -> datetime:
    """Return the current moment in UTC, or the one that ``standing_at`` set."""
    return _standing_at.get() or datetime.now(UTC)


def wall_now() -> datetime:
    """Return the machine's time in UTC even inside a simulation: for leases and receipts."""
    return datetime.now(UTC)


@contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Let ``now`` return ``moment`` inside the block, in this thread or task only.

    Args:
        moment: Timezone-aware; kept as UTC.

    Raises:
        ValueError: ``moment`` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"the clock needs a time zone: {moment.isoformat()} has none")
    token = _standing_at.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _standing_at.reset(token)
