"""The bar lengths that the desk knows, and where a moment falls in them."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Timeframe(StrEnum):
    """A bar length in the notation of charts. Bars are aligned to the Unix epoch in UTC."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def seconds(self) -> int:
        """Length in seconds."""
        return _SECONDS[self]

    @property
    def delta(self) -> timedelta:
        """Length as a time span."""
        return timedelta(seconds=_SECONDS[self])

    def open_of(self, moment: datetime) -> datetime:
        """Return the open time of the bar that ``moment`` falls into; a bar owns its open."""
        return datetime.fromtimestamp(moment.timestamp() // self.seconds * self.seconds, UTC)


_SECONDS = {
    Timeframe.M1: 60,
    Timeframe.M3: 180,
    Timeframe.M5: 300,
    Timeframe.M15: 900,
    Timeframe.M30: 1800,
    Timeframe.H1: 3600,
    Timeframe.H4: 14400,
    Timeframe.D1: 86400,
}
