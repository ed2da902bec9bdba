"""Candles: those that a test put there, or a price path that any interval agrees with."""

import math
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.terms import CLOSES, INDIA, OPENS
from tests.venues.angelone.venue import Venue

INTERVALS = {  # minutes, and the days that one request may span
    "ONE_MINUTE": (1, 30),
    "THREE_MINUTE": (3, 60),
    "FIVE_MINUTE": (5, 100),
    "TEN_MINUTE": (10, 100),
    "FIFTEEN_MINUTE": (15, 200),
    "THIRTY_MINUTE": (30, 200),
    "ONE_HOUR": (60, 400),
    "ONE_DAY": (1440, 2000),
}
_LATEST_CLOSE = time(15, 30)


def candles_read(venue: Venue, asked: Row) -> list[list[Any]]:
    """Return time, open, high, low, close and volume of each candle, oldest first.

    Raises:
        Refusal: The interval is none, the times are none or too far apart.
    """
    interval = str(asked.get("interval"))
    key = (str(asked.get("exchange")), str(asked.get("symboltoken")))
    market = venue.market(key)
    begin, end = _times(asked, interval)
    given = venue.candles.get((*key, interval))
    if given is not None:
        return [row for row in given if begin <= datetime.fromisoformat(row[0]) <= end]
    end = min(end, venue.now().astimezone(INDIA))
    opening = float(market.instrument.opening)
    return [_candle(opening, at, INTERVALS[interval][0]) for at in _opens(begin, end, interval)]


def interest_read(venue: Venue, asked: Row) -> list[Row]:
    """Return the open interest at each candle's time; the same everywhere here."""
    interest = venue.market((str(asked.get("exchange")), str(asked.get("symboltoken"))))
    return [{"time": row[0], "oi": interest.open_interest} for row in candles_read(venue, asked)]


def _times(asked: Row, interval: str) -> tuple[datetime, datetime]:
    if interval not in INTERVALS:
        raise Refusal("AB1007", "Invalid parameters: interval")
    try:
        begin, end = (
            datetime.strptime(str(asked.get(name)), "%Y-%m-%d %H:%M").replace(tzinfo=INDIA)
            for name in ("fromdate", "todate")
        )
    except ValueError:
        raise Refusal("AB1007", "Invalid parameters: fromdate and todate") from None
    days = INTERVALS[interval][1]
    if end < begin or end - begin > timedelta(days=days):
        raise Refusal("AB1007", f"Invalid parameters: {interval} spans {days} days at most")
    return begin, end


def _opens(begin: datetime, end: datetime, interval: str) -> Iterator[datetime]:
    """Yield when the candles of the trading hours open."""
    minutes = INTERVALS[interval][0]
    day = begin.date()
    while day <= end.date():
        at = datetime.combine(day, time(0) if minutes == 1440 else OPENS, INDIA)
        while day.weekday() < 5 and at.date() == day and at.time() < CLOSES:
            if begin <= at <= end or (minutes == 1440 and day == begin.date() and at <= end):
                yield at
            at += timedelta(minutes=minutes)
        day += timedelta(days=1)


def _candle(opening: float, at: datetime, minutes: int) -> list[Any]:
    if minutes == 1440:
        begin, end = (datetime.combine(at.date(), each, INDIA) for each in (OPENS, _LATEST_CLOSE))
    else:
        begin, end = at, at + timedelta(minutes=minutes)
    first, last = _path(opening, begin), _path(opening, end)
    wick = Decimal("0.25")
    high, low = max(first, last) + wick, min(first, last) - wick
    volume = 100 * minutes + int(begin.timestamp() // 60) % 97
    word = f"{at:%Y-%m-%dT%H:%M:%S}+05:30"
    return [word, *(float(price) for price in (first, high, low, last)), volume]


def _path(opening: float, at: datetime) -> Decimal:
    """Return the price of a moment: waves of a week and of an hour, on a tick of 0.05."""
    minutes = at.timestamp() / 60
    wave = 0.03 * math.sin(minutes / 10080 * 2 * math.pi) + 0.004 * math.sin(minutes / 37)
    return Decimal(round(opening * (1 + wave) * 20)) / 20
