"""Makes finished bars out of ticks: Angel One's feed has none of its own.

A bar is given out only where the ticks covered all of it. One that began before the connection, or
in which ticks were lost, is left to REST, so that no bar is ever stored twice with other values.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from apps.core.money import ZERO
from apps.marketdata.domain.calendars import TradingCalendar, calendar_named
from apps.marketdata.domain.sessions import session_at
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar

GRACE = timedelta(seconds=2)
"""How long after its close a bar still takes ticks that were under way."""


@dataclass(slots=True)
class _Growing:
    open_at: datetime
    close_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def take(self, price: Decimal, volume: Decimal) -> None:
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.close = price
        self.volume += volume

    def finished(self) -> Bar:
        return Bar(
            open_at=self.open_at,
            close_at=self.close_at,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
        )


@dataclass(slots=True)
class BarBuilder:
    """Bars of one length of one instrument.

    Attributes:
        covered_from: Since when no tick was missed; None: nothing comes.
        late: Ticks of bars that had been given out; they change nothing.
    """

    timeframe: Timeframe
    calendar: str
    covered_from: datetime | None = None
    late: int = 0
    _growing: _Growing | None = field(default=None)
    _done_until: datetime | None = field(default=None)
    _day_volume: Decimal | None = field(default=None)

    def begin(self, at: datetime) -> None:
        """Count ticks as complete from now on; what had begun is left to REST."""
        self.covered_from = at
        self._growing = None
        self._day_volume = None

    def take(self, price: Decimal, *, at: datetime, day_volume: Decimal | None) -> list[Bar]:
        """Take a tick; return the bar that it ended.

        Args:
            at: The exchange's time.
            day_volume: Units traded since the session began; None: not told.
        """
        volume = self._since_last(day_volume)
        slot = bar_slot(self.calendar, self.timeframe, at)
        if slot is None:
            return []
        if self._done_until is not None and slot[0] < self._done_until:
            self.late += 1
            return []
        if self._growing is not None and slot[0] < self._growing.open_at:
            self.late += 1
            return []
        ended = []
        if self._growing is not None and slot[0] > self._growing.open_at:
            ended = self._end()
        if self._growing is None:
            self._growing = _Growing(*slot, price, price, price, price, volume)
        else:
            self._growing.take(price, volume)
        return ended

    def due(self, at: datetime) -> list[Bar]:
        """Return the bar whose time is over, though no later tick came.

        Args:
            at: The machine's time.
        """
        if self._growing is None or at < self._growing.close_at + GRACE:
            return []
        return self._end()

    def _end(self) -> list[Bar]:
        growing, self._growing = self._growing, None
        if growing is None:
            return []
        self._done_until = growing.close_at
        if self.covered_from is None or growing.open_at < self.covered_from:
            return []
        return [growing.finished()]

    def _since_last(self, day_volume: Decimal | None) -> Decimal:
        """Return what was traded since the tick before; a count that falls is another day's."""
        if day_volume is None:
            return ZERO
        before, self._day_volume = self._day_volume, day_volume
        if before is None or day_volume < before:
            return ZERO
        return day_volume - before


def bar_slot(calendar: str, timeframe: Timeframe, at: datetime) -> tuple[datetime, datetime] | None:
    """Return open and close of the bar that a moment belongs to; None outside the session."""
    state = session_at(calendar, at)
    if not state.is_open:
        return None
    known: TradingCalendar = calendar_named(calendar)
    moment = int(at.timestamp())
    opens = known.opens_between(
        first=moment - timeframe.seconds + 1, last=moment, timeframe=timeframe
    )
    if not len(opens):
        return None
    closes = known.closes(np.array([opens[-1]], dtype=np.int64), timeframe=timeframe)
    return datetime.fromtimestamp(int(opens[-1]), UTC), datetime.fromtimestamp(int(closes[0]), UTC)
