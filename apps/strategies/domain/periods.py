"""Days, weeks and sessions of a place on earth: which of them a bar belongs to.

A trading day in New York begins at another moment of UTC in summer than in winter. So a moment is
turned into the local clock first, by the time zone database, and then cut into periods.
"""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Times

Period = Literal["1h", "4h", "1d", "1w", "1M"]
Integers = NDArray[np.int64]

_HOUR, _DAY, _MICROSECONDS = 3600, 86_400, 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_THURSDAY = 3  # 1970-01-01 was one; weeks begin on Monday
_HOURS = {"1h": _HOUR, "4h": 4 * _HOUR, "1d": _DAY}


class PeriodUnknown(ValueError):
    """There is no such period, time of day or time zone."""


def local_seconds(open_at: Times, *, zone: str) -> Integers:
    """Tell the local clock of ``zone`` at each moment.

    Args:
        open_at: ``(n_bars,) datetime64[us]``, UTC, rising.
        zone: Name in the time zone database, such as ``America/New_York``.

    Returns:
        ``(n_bars,) int64``: seconds from 1970-01-01 00:00 as that place's clocks count them.

    Raises:
        PeriodUnknown: There is no such zone.
    """
    seconds: Integers = open_at.astype("datetime64[us]").view(np.int64) // _MICROSECONDS
    starts, offsets = zone_offsets(open_at, zone=zone)
    turns = np.append(np.searchsorted(seconds, starts[1:]), len(seconds))
    for offset, (first, stop) in zip(offsets, pairwise([0, *turns]), strict=True):
        seconds[first:stop] += offset
    return seconds


def zone_offsets(open_at: Times, *, zone: str) -> tuple[Integers, Integers]:
    """Tell how far a place's clocks are ahead of UTC while bars open.

    Returns:
        From which second since 1970 on, and by how many seconds; ``(n_turns,) int64`` each, oldest
        first, the first one at or before the first bar.

    Raises:
        PeriodUnknown: There is no such zone.
    """
    if len(open_at) == 0:
        _place(zone)
        return np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    first, last = (
        int(moment.astype("datetime64[D]").astype(np.int64)) for moment in open_at[[0, -1]]
    )
    starts, offsets = _offsets(zone, first, last + 1)
    return np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)


def period_ids(
    open_at: Times, *, period: Period = "1d", zone: str = "UTC", starts: str = "00:00"
) -> Integers:
    """Give each bar the number of the period that it opens in.

    Args:
        open_at: ``(n_bars,) datetime64[us]``, UTC, rising.
        period: ``1h``, ``4h``, ``1d``, ``1w`` (from Monday) or ``1M``.
        zone: Whose clock counts.
        starts: Local time at which a day begins, ``17:00`` in New York for currencies.

    Returns:
        ``(n_bars,) int64``, rising, except where clocks are set back within a period of hours.

    Raises:
        PeriodUnknown: The period, the zone or the time is none.
    """
    local = local_seconds(open_at, zone=zone) - 60 * minute_of_day(starts)
    if period in _HOURS:
        return local // _HOURS[period]
    days = local // _DAY
    if period == "1w":
        return (days + _THURSDAY) // 7
    if period == "1M":
        return _months(days)
    raise PeriodUnknown(f"period must be 1h, 4h, 1d, 1w or 1M, was {period!r}")


def minute_of_day(text: str) -> int:
    """Read ``HH:MM`` as minutes after midnight.

    Raises:
        PeriodUnknown: It is no time of day.
    """
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and len(minutes) == 2):
        raise PeriodUnknown(f"a time of day is written as 09:15, was {text!r}")
    minute = 60 * int(hours) + int(minutes)
    if int(minutes) > 59 or minute >= _DAY // 60:
        raise PeriodUnknown(f"a time of day lies between 00:00 and 23:59, was {text!r}")
    return minute


def period_starts(ids: Integers) -> Integers:
    """Return the rows at which periods begin; the first row begins none that can be trusted.

    The first period was perhaps cut off, and what it began with is not known.
    """
    rows: Integers = np.flatnonzero(np.diff(ids) != 0) + 1
    return rows


def period_spans(ids: Integers) -> list[tuple[int, int]]:
    """Return each period whose beginning is at hand as its first row and the row after its last."""
    starts = period_starts(ids).tolist()
    return list(pairwise([*starts, len(ids)])) if starts else []


def _months(days: Integers) -> Integers:
    """Give each bar the number of its month, worked out once a day, since the calendar is slow."""
    rows = np.flatnonzero(np.diff(days, prepend=days[:1] - 1))
    months = days[rows].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.repeat(months, np.diff(np.append(rows, len(days))))


@lru_cache(maxsize=256)
def _offsets(zone: str, first_day: int, last_day: int) -> tuple[list[int], list[int]]:
    """Return from which second of UTC on which offset holds, both oldest first."""
    place = _place(zone)
    starts, offsets = [first_day * _DAY], [_offset_at(place, first_day * _DAY)]
    for day in range(first_day, last_day):
        after = _offset_at(place, (day + 1) * _DAY)
        if after != offsets[-1]:
            hours = range(day * _DAY, (day + 1) * _DAY + 1, 900)
            turn = bisect_right(hours, False, key=lambda at: _offset_at(place, at) == after)
            starts.append(hours[turn])
            offsets.append(after)
    return starts, offsets


def _offset_at(place: ZoneInfo, second: int) -> int:
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(place).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _place(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise PeriodUnknown(
            f"there is no time zone {zone!r}; write it as in America/New_York"
        ) from error
