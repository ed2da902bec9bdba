"""When a market trades and how its bars are laid, so that a night is not mistaken for a gap.

Moments are whole seconds since the Unix epoch in UTC, (n,) int64. A daily bar of NSE is named by
00:00 in India of its trading day, which is 18:30 UTC of the day before, as Dhan stamps it; bars
within the day are counted from 09:15 in India (03:45 UTC).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.marketdata.domain import nse_sessions
from apps.marketdata.domain.timeframes import Timeframe

Moments = NDArray[np.int64]
Flags = NDArray[np.bool_]

_DAY = 86_400
_EPOCH = date(1970, 1, 1)
_SATURDAY = 5


class TradingCalendar(Protocol):
    """What the quality rules need to know about a market."""

    name: str
    note: str

    def opens_between(self, *, first: int, last: int, timeframe: Timeframe) -> Moments:
        """Return every open time from ``first`` to ``last``, both included, oldest first."""

    def aligned(self, opens: Moments, *, timeframe: Timeframe) -> Flags:
        """Tell which moments are open times of the grid, in session or not."""

    def closes(self, opens: Moments, *, timeframe: Timeframe) -> Moments:
        """Return when each bar is complete."""

    def ends_session(self, opened: int, *, timeframe: Timeframe) -> bool:
        """Tell whether the bar is the last one before the market closes."""


class AlwaysOpen:
    """A market that never closes; bars are aligned to the Unix epoch."""

    name = "24/7"
    note = "open around the clock"

    def opens_between(self, *, first: int, last: int, timeframe: Timeframe) -> Moments:
        """Return every open time from ``first`` to ``last``, both included, oldest first."""
        start = -(-first // timeframe.seconds) * timeframe.seconds
        return np.arange(start, last + 1, timeframe.seconds, dtype=np.int64)

    def aligned(self, opens: Moments, *, timeframe: Timeframe) -> Flags:
        """Tell which moments are open times of the grid."""
        return np.asarray(opens % timeframe.seconds == 0)

    def closes(self, opens: Moments, *, timeframe: Timeframe) -> Moments:
        """Return when each bar is complete."""
        return opens + timeframe.seconds

    def ends_session(self, opened: int, *, timeframe: Timeframe) -> bool:
        """Return False: there is no last bar."""
        return False


class OpenOnWeekdays(AlwaysOpen):
    """A market that is watched but not traded here: only its weekends are known."""

    name = "24/5"
    note = "open from Monday 00:00 to Friday 24:00 UTC; holidays are not known and show as gaps"

    def opens_between(self, *, first: int, last: int, timeframe: Timeframe) -> Moments:
        """Return every open time from ``first`` to ``last``, both included, oldest first."""
        opens = super().opens_between(first=first, last=last, timeframe=timeframe)
        return np.asarray(opens[_weekdays(opens) < _SATURDAY])

    def ends_session(self, opened: int, *, timeframe: Timeframe) -> bool:
        """Tell whether the bar is the last one of its week."""
        return bool(_weekdays(np.array([opened + timeframe.seconds]))[0] == _SATURDAY)


def _weekdays(moments: Moments) -> Moments:
    """Return the days of the week in UTC; Monday is 0."""
    return np.asarray((moments // _DAY + _EPOCH.weekday()) % 7)


class NationalStockExchange:
    """The equity segment of NSE: 09:15 to 15:30 in India, with the special sessions observed."""

    name = "XNSE"
    note = (
        f"holidays and special sessions known from {nse_sessions.FIRST_KNOWN} to "
        f"{nse_sessions.LAST_KNOWN}; outside, every weekday counts as a trading day"
    )
    _offset = 19_800  # seconds that India is ahead of UTC, all year

    def opens_between(self, *, first: int, last: int, timeframe: Timeframe) -> Moments:
        """Return every open time from ``first`` to ``last``, both included, oldest first."""
        opens: list[int] = []
        day, end = self._day(first), self._day(last)
        while day <= end:
            opens += self._opens(day, timeframe)
            day += timedelta(days=1)
        column = np.array(opens, dtype=np.int64)
        return np.asarray(column[(column >= first) & (column <= last)])

    def aligned(self, opens: Moments, *, timeframe: Timeframe) -> Flags:
        """Tell which moments are open times of the grid, in session or not."""
        if timeframe is Timeframe.D1:
            return np.asarray((opens + self._offset) % _DAY == 0)
        # Counted from the session's start: a day is no multiple of 4 hours after 09:15
        since = (opens + self._offset) % _DAY - nse_sessions.REGULAR_SESSION[0] * 60
        return np.asarray(since % timeframe.seconds == 0)

    def closes(self, opens: Moments, *, timeframe: Timeframe) -> Moments:
        """Return when each bar is complete; a daily bar at the end of its last session."""
        if timeframe is not Timeframe.D1:
            return opens + timeframe.seconds
        ends = [self._sessions(self._day(int(opened)))[-1][1] * 60 for opened in opens]
        return opens + np.array(ends, dtype=np.int64)

    def ends_session(self, opened: int, *, timeframe: Timeframe) -> bool:
        """Tell whether the bar is the last one before the market closes."""
        opens = self._opens(self._day(opened), timeframe)
        return bool(opens) and opens[-1] == opened

    def is_trading_day(self, day: date) -> bool:
        """Tell whether there is a session on a day in India."""
        if day in nse_sessions.SPECIAL_SESSIONS:
            return True
        return day.weekday() < 5 and day not in nse_sessions.CLOSED_WEEKDAYS

    def _day(self, moment: int) -> date:
        return (datetime.fromtimestamp(moment, UTC) + timedelta(seconds=self._offset)).date()

    def _sessions(self, day: date) -> tuple[tuple[int, int], ...]:
        return nse_sessions.SPECIAL_SESSIONS.get(day, (nse_sessions.REGULAR_SESSION,))

    def _opens(self, day: date, timeframe: Timeframe) -> list[int]:
        if not self.is_trading_day(day):
            return []
        midnight = (day - _EPOCH).days * _DAY - self._offset
        if timeframe is Timeframe.D1:
            return [midnight]
        return [
            opened
            for start, end in self._sessions(day)
            for opened in range(midnight + start * 60, midnight + end * 60, timeframe.seconds)
        ]


CALENDARS: dict[str, TradingCalendar] = {
    calendar.name: calendar
    for calendar in (AlwaysOpen(), OpenOnWeekdays(), NationalStockExchange())
}


def calendar_named(name: str) -> TradingCalendar:
    """Return a calendar by the name that instruments carry.

    Raises:
        ValueError: There is no such calendar.
    """
    if name not in CALENDARS:
        raise ValueError(f"there is no calendar {name!r}; known are {', '.join(CALENDARS)}")
    return CALENDARS[name]
