"""Finds out which clock wrote the times of a file, and states how it knows."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.marketdata.domain.calendars import TradingCalendar
from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.importers.times import ReadTimes

Microseconds = NDArray[np.int64]

INDIA = "Asia/Kolkata"
_SECOND = 1_000_000
_DAY_SECONDS = 86_400
_INDIA_AHEAD = 19_800  # seconds
_SESSION_IN_INDIA = (33_300, 55_800)  # 09:15 to 15:30, seconds of the day
_SESSION_IN_UTC = (13_500, 36_000)  # 03:45 to 10:00
_MOST = 0.9  # special sessions lie outside, so not all bars need to fit
_ADVICE = "give --timezone UTC or --timezone Asia/Kolkata, whichever wrote the file"

# Seconds of the day at which all daily bars of India are stamped, and what that means
_DAILY_STAMPS = {
    0: (INDIA, "dates without a time of day name the trading day in India"),
    66_600: ("UTC", "all daily bars are stamped 18:30, which is 00:00 in India in UTC"),
    13_500: ("UTC", "all daily bars are stamped 03:45, which is 09:15 in India in UTC"),
    33_300: (INDIA, "all daily bars are stamped 09:15, the session's start in India"),
}
_DAILY_NOTE = (
    "a daily bar of India is named by 00:00 there, which is 18:30 UTC of the day before: "
    "2024-01-01T18:30:00Z is the trading day 2024-01-02"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTimes:
    """Open times in UTC, with the clock that wrote them and the evidence.

    Attributes:
        microseconds: Since the Unix epoch, (n,) int64, as the file's rows stand.
        note: What a reader of the report has to know of these times besides; may be empty.
    """

    microseconds: Microseconds
    timezone: str
    evidence: str
    note: str = ""


def times_place(
    times: ReadTimes,
    *,
    column: str,
    timeframe: Timeframe,
    calendar: TradingCalendar,
    stated: str | None,
) -> PlacedTimes:
    """Bring the times to UTC; daily bars of India to 00:00 there, whatever stamped them.

    Args:
        column: Name of the time column, which may say UTC.
        stated: The zone that a person gave; None finds it.

    Raises:
        CandleFileRefused: The zone cannot be told, or contradicts the file.
    """
    zone, evidence = _zone(times, column, timeframe, calendar, stated)
    if times.kind in ("naive", "date") or stated is not None:
        moments = _in_utc(times.microseconds, zone)
    else:
        moments = times.microseconds
    if calendar.name != "XNSE" or timeframe is not Timeframe.D1:
        return PlacedTimes(microseconds=moments, timezone=zone, evidence=evidence)
    return PlacedTimes(
        microseconds=_trading_day(moments), timezone=zone, evidence=evidence, note=_DAILY_NOTE
    )


def _zone(
    times: ReadTimes,
    column: str,
    timeframe: Timeframe,
    calendar: TradingCalendar,
    stated: str | None,
) -> tuple[str, str]:
    if stated is not None:
        if times.kind == "aware":
            raise CandleFileRefused(
                f"the times carry their own offset ({times.layout}), so --timezone {stated} "
                "would contradict them; leave it out"
            )
        return stated, "stated by --timezone"
    if times.kind == "aware":
        return times.offset, f"each time carries its own offset ({times.layout})"
    if times.kind == "epoch":
        return _zone_of_epochs(times, timeframe, calendar)
    if column.lower().replace(")", "").endswith("utc"):
        return "UTC", f"the column is named {column}"
    if calendar.name != "XNSE":
        raise CandleFileRefused(
            f"the times ({times.layout}) have no offset, and the hours of a market that is open "
            "around the clock do not show it; give --timezone UTC, or the zone that wrote the file"
        )
    if timeframe is Timeframe.D1:
        return _zone_of_days(times)
    return _zone_of_sessions(times)


def _zone_of_epochs(
    times: ReadTimes, timeframe: Timeframe, calendar: TradingCalendar
) -> tuple[str, str]:
    evidence = f"{times.layout} counts from 1970 in UTC"
    if calendar.name != "XNSE" or timeframe is Timeframe.D1:
        return "UTC", evidence
    in_utc, in_india = _shares(times)
    if in_utc >= _MOST:
        return "UTC", f"{evidence}; {in_utc:.1%} of the bars then fall into 03:45 to 10:00 UTC"
    if in_india >= _MOST:
        raise CandleFileRefused(
            f"the times are {times.layout}, but read as UTC {in_india:.1%} of them fall into 09:15 "
            "to 15:30, the session in India: they seem to be Indian wall time written as if it "
            "were UTC. Give --timezone Asia/Kolkata if so, --timezone UTC if not"
        )
    raise CandleFileRefused(
        f"the times are {times.layout}, but only {in_utc:.1%} of them fall into NSE's session "
        "(03:45 to 10:00 UTC); check the instrument, or give --timezone"
    )


def _zone_of_days(times: ReadTimes) -> tuple[str, str]:
    stamps = np.unique(times.microseconds // _SECOND % _DAY_SECONDS)
    if stamps.size == 1 and int(stamps[0]) in _DAILY_STAMPS:
        return _DAILY_STAMPS[int(stamps[0])]
    raise CandleFileRefused(
        f"the daily bars are stamped at {stamps.size} different times of day without an offset, "
        f"so the trading day cannot be told; {_ADVICE}"
    )


def _zone_of_sessions(times: ReadTimes) -> tuple[str, str]:
    in_utc, in_india = _shares(times)
    if in_india >= _MOST > in_utc:
        return INDIA, f"{in_india:.1%} of the bars fall into 09:15 to 15:30, the session in India"
    if in_utc >= _MOST > in_india:
        return "UTC", (
            f"{in_utc:.1%} of the bars fall into 03:45 to 10:00, the session in India in UTC"
        )
    raise CandleFileRefused(
        f"the times have no offset, and their hours fit neither clock alone ({in_india:.1%} of "
        f"the bars lie within 09:15 to 15:30, {in_utc:.1%} within 03:45 to 10:00); {_ADVICE}"
    )


def _shares(times: ReadTimes) -> tuple[float, float]:
    """Return the parts of the bars within the session, read as UTC and as Indian wall time."""
    seconds = times.microseconds // _SECOND % _DAY_SECONDS
    utc, india = (
        float(np.mean((seconds >= start) & (seconds < end)))
        for start, end in (_SESSION_IN_UTC, _SESSION_IN_INDIA)
    )
    return utc, india


def _in_utc(microseconds: Microseconds, zone: str) -> Microseconds:
    wall = pl.Series(microseconds).cast(pl.Datetime("us"))
    placed = wall.dt.replace_time_zone(str(ZoneInfo(zone)), ambiguous="null", non_existent="null")
    if placed.null_count():
        row = placed.is_null().arg_max() or 0
        raise CandleFileRefused(
            f"the time {wall[row]} in row {row + 1} happened twice or never in {zone}, where the "
            "clocks were changed; export the file in UTC"
        )
    return np.asarray(placed.to_physical().to_numpy(), dtype=np.int64)


def _trading_day(microseconds: Microseconds) -> Microseconds:
    day = _DAY_SECONDS * _SECOND
    ahead = _INDIA_AHEAD * _SECOND
    return np.asarray((microseconds + ahead) // day * day - ahead, dtype=np.int64)
