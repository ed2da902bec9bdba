"""Sessions and kill zones by the clocks of their place, and their highs and lows so far."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import Integers
from apps.strategies.domain.periods import minute_of_day, zone_offsets

_DAY, _MICROSECONDS = 86_400, 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """Hours of a day, by the clock of a place, summer time included.

    Attributes:
        start, end: Local times, ``08:00``; bars that open from the start up to, without, the end
            belong to it. An end before the start lies on the next day.
        zone: Name in the time zone database.
    """

    start: str
    end: str
    zone: str


SESSIONS: dict[str, Session] = {
    "sydney": Session("07:00", "16:00", "Australia/Sydney"),
    "tokyo": Session("09:00", "18:00", "Asia/Tokyo"),
    "london": Session("08:00", "17:00", "Europe/London"),
    "new_york": Session("08:00", "17:00", "America/New_York"),
    "nse": Session("09:15", "15:30", "Asia/Kolkata"),
}
"""Hours in which the desks of a place trade; NSE's are those of the exchange."""

KILL_ZONES: dict[str, Session] = {
    "asian": Session("20:00", "00:00", "America/New_York"),
    "london_open": Session("02:00", "05:00", "America/New_York"),
    "new_york": Session("07:00", "10:00", "America/New_York"),
    "london_close": Session("10:00", "12:00", "America/New_York"),
}
"""Hours of New York in which moves are thought to begin.

Source: M. J. Huddleston (ICT), 2022 Mentorship.
"""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SessionState:
    """A session at each bar, ``(n_bars,)``, oldest first.

    Attributes:
        active: ``bool``, whether the bar opens in it.
        high, low: ``float64``, highest and lowest of the session up to this bar; NaN outside, and
            in a session whose beginning is not at hand.
        last_high, last_low: ``float64``, of the last whole session that is over; NaN before one.
    """

    active: NDArray[np.bool_]
    high: Floats
    low: Floats
    last_high: Floats
    last_low: Floats

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the columns by name."""
        names = ("active", "high", "low", "last_high", "last_low")
        return {name: getattr(self, name) for name in names}


def session_state(candles: Candles, session: Session) -> SessionState:
    """Say for each bar whether it opens in the session, and how far that has gone so far.

    A session is over with the first bar that opens after it, so its extremes never change.
    """
    start = 60 * minute_of_day(session.start)
    length = (60 * minute_of_day(session.end) - start) % _DAY or _DAY
    starts, offsets = zone_offsets(candles.open_at, zone=session.zone)
    active, high, low, last_high, last_low = _followed(
        candles.open_at.view(np.int64),
        (candles.high, candles.low),
        (_MICROSECONDS * starts, _MICROSECONDS * (offsets - start)),
        _MICROSECONDS * length,
    )
    return SessionState(active=active, high=high, low=low, last_high=last_high, last_low=last_low)


@compiled
def _followed(
    moments: Integers, prices: tuple[Floats, Floats], clocks: tuple[Integers, Integers], length: int
) -> tuple[NDArray[np.bool_], Floats, Floats, Floats, Floats]:
    """Go through the bars, by days that begin with the session, in microseconds."""
    bars = len(moments)
    starts = _day_starts(moments, clocks)
    active = np.zeros(bars, dtype=np.bool_)
    high, low = np.full(bars, np.nan), np.full(bars, np.nan)
    last_high, last_low = np.full(bars, np.nan), np.full(bars, np.nan)
    top, bottom, over_top, over_bottom = np.nan, np.nan, np.nan, np.nan
    for bar in range(bars):
        active[bar] = moments[bar] - starts[bar] < length
        # More than half a day: a clock that is set within a session does not end it
        new_day = bar > 0 and starts[bar] - starts[bar - 1] > 43_200_000_000
        before = bar > 0 and active[bar - 1]
        if before and (new_day or not active[bar]) and not np.isnan(top):
            over_top, over_bottom = top, bottom
        if active[bar]:
            if bar > 0 and (new_day or not before):
                top, bottom = prices[0][bar], prices[1][bar]
            elif not np.isnan(top):  # the beginning of the first session is not at hand
                top, bottom = max(top, prices[0][bar]), min(bottom, prices[1][bar])
            high[bar], low[bar] = top, bottom
        last_high[bar], last_low[bar] = over_top, over_bottom
    return active, high, low, last_high, last_low


@compiled
def _day_starts(moments: Integers, clocks: tuple[Integers, Integers]) -> Integers:
    """Return when the day of each bar began; dividing once a day is what makes it fast."""
    found = np.empty(len(moments), dtype=np.int64)
    turn, start, offset = 0, np.int64(0), clocks[1][0]
    stop = start
    for bar in range(len(moments)):
        while turn + 1 < len(clocks[0]) and moments[bar] >= clocks[0][turn + 1]:
            turn += 1
        if moments[bar] >= stop or offset != clocks[1][turn]:
            offset = clocks[1][turn]
            start = (moments[bar] + offset) // 86_400_000_000 * 86_400_000_000 - offset
            stop = start + 86_400_000_000
        found[bar] = start
    return found
