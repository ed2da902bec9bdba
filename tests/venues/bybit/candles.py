"""Candles of any interval: a made-up past that agrees over intervals, then what really traded."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha256

from tests.venues.bybit.replies import Refusal, Row, text

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_MINUTES = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)
_FIXED = {str(minutes): minutes * _MINUTE_MS for minutes in _MINUTES}
INTERVALS = (*_FIXED, "D", "W", "M")
_MONDAY_MS = 4 * _DAY_MS  # 1970-01-05
_SWING = Decimal("0.02")  # of the past around its mean
_VOLUME = Decimal("0.5")  # of a minute of the past


def opened_at(interval: str, at_ms: int) -> int:
    """Return when the candle opened that ``at_ms`` falls into; weeks on Monday, UTC.

    Raises:
        Refusal: There is no such interval.
    """
    if interval in _FIXED:
        return at_ms - at_ms % _FIXED[interval]
    if interval == "D":
        return at_ms - at_ms % _DAY_MS
    if interval == "W":
        return at_ms - (at_ms - _MONDAY_MS) % (7 * _DAY_MS)
    if interval == "M":
        month = datetime.fromtimestamp(at_ms / 1000, UTC).replace(day=1, hour=0, minute=0)
        return int(month.replace(second=0, microsecond=0).timestamp()) * 1000
    raise Refusal(10001, "params error: Interval Invalid")


def closes_at(interval: str, open_ms: int) -> int:
    """Return when the next candle opens."""
    if interval in _FIXED:
        return open_ms + _FIXED[interval]
    if interval != "M":
        return open_ms + (_DAY_MS if interval == "D" else 7 * _DAY_MS)
    return opened_at("M", open_ms + int(timedelta(days=32).total_seconds()) * 1000)


@dataclass(frozen=True)
class Candle:
    """One candle; ``open_ms`` names it."""

    open_ms: int
    opened: Decimal
    high: Decimal
    low: Decimal
    closed: Decimal
    volume: Decimal

    def row(self) -> list[str]:
        """Return it as the kline answer has it: start, OHLC, volume, turnover."""
        prices = (self.opened, self.high, self.low, self.closed)
        turnover = self.volume * (self.high + self.low) / 2
        return [str(self.open_ms), *map(text, prices), text(self.volume), text(turnover)]

    def stream_row(self, interval: str, *, now_ms: int) -> Row:
        """Return it as the kline topic has it."""
        end = closes_at(interval, self.open_ms)
        _, opened, high, low, closed, volume, turnover = self.row()
        return {
            "start": self.open_ms,
            "end": end - 1,
            "interval": interval,
            "open": opened,
            "close": closed,
            "high": high,
            "low": low,
            "volume": volume,
            "turnover": turnover,
            "confirm": now_ms >= end,
            "timestamp": now_ms,
        }


class Tape:
    """What traded since the venue came up, and a past before it that never changes.

    The past is a line through hourly points that follow from the symbol, so that candles of all
    intervals agree with each other.
    """

    def __init__(self, symbol: str, *, mean: Decimal, tick: Decimal, since_ms: int) -> None:
        self._symbol = symbol
        self._mean = mean
        self._tick = tick
        self._since_ms = since_ms
        self._at: list[int] = []
        self._prices: list[Decimal] = []
        self._volumes: list[Decimal] = []

    def print(self, *, at_ms: int, price: Decimal, volume: Decimal) -> None:
        """Note a trade."""
        self._at.append(at_ms)
        self._prices.append(price)
        self._volumes.append(volume)

    def candle(self, interval: str, open_ms: int, *, now_ms: int) -> Candle:
        """Return a candle as it stands at ``now_ms``."""
        end = min(closes_at(interval, open_ms), now_ms + 1)
        prices = [*self._past(open_ms, min(end, self._since_ms)), *self._traded(open_ms, end)]
        first, last = bisect_left(self._at, open_ms), bisect_left(self._at, end)
        minutes = max(0, min(end, self._since_ms) - open_ms) // _MINUTE_MS
        volume = minutes * _VOLUME + sum(self._volumes[first:last], Decimal(0))
        return Candle(open_ms, prices[0], max(prices), min(prices), prices[-1], volume)

    def newest(self, interval: str, *, now_ms: int, count: int) -> list[Candle]:
        """Return the last candles up to ``now_ms``, newest first, the open one included."""
        open_ms = opened_at(interval, now_ms)
        found = []
        for _ in range(count):
            found.append(self.candle(interval, open_ms, now_ms=now_ms))
            open_ms = opened_at(interval, open_ms - 1)
        return found

    def _traded(self, start: int, end: int) -> list[Decimal]:
        if end <= self._since_ms:
            return []
        before = bisect_right(self._at, start - 1)
        carried = [self._prices[before - 1]] if before and start >= self._since_ms else []
        return [*carried, *self._prices[before : bisect_left(self._at, end)]] or [self._mean]

    def _past(self, start: int, end: int) -> list[Decimal]:
        if start >= end:
            return []
        hours = range(start - start % _HOUR_MS + _HOUR_MS, end, _HOUR_MS)
        return [self._line(at) for at in (start, *hours, end)]

    def _line(self, at_ms: int) -> Decimal:
        hour, rest = divmod(at_ms, _HOUR_MS)
        here, there = self._point(hour), self._point(hour + 1)
        price = here + (there - here) * rest / _HOUR_MS
        return (price / self._tick).quantize(Decimal(1), ROUND_HALF_EVEN) * self._tick

    def _point(self, hour: int) -> Decimal:
        drawn = int.from_bytes(sha256(f"{self._symbol}:{hour}".encode()).digest()[:4], "big")
        return self._mean * (1 + _SWING * (Decimal(drawn) / 2**31 - 1))
