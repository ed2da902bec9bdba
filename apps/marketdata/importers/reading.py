"""Reads one file of candles from bytes to bars, with a report of everything it met on the way."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.core.clock import now
from apps.core.money import stored
from apps.marketdata.domain.calendars import TradingCalendar, calendar_named
from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.domain.quality import CandleRows, Judgement, moment_text, rows_judge
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.importers.columns import (
    ColumnMap,
    NumberColumn,
    columns_find,
    number_column,
)
from apps.marketdata.importers.formats import FileTable, file_table
from apps.marketdata.importers.options import DETECT_ALL, ReadOptions
from apps.marketdata.importers.times import times_read
from apps.marketdata.importers.zones import PlacedTimes, times_place

_SECOND = 1_000_000
_PRICES = ("open", "high", "low", "close")
_EARLIEST, _LATEST = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * _SECOND for year in (1980, 2100)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A row that was refused: its number from 1, the reason, and its values as they stood."""

    row_number: int
    reason: str
    row: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a file held.

    Attributes:
        bars: The good ones, oldest first, each open time once.
        quarantined: The rest, in the order of the file.
        report: Plain JSON values; see docs of ``import_candles``.
    """

    bars: list[Bar]
    quarantined: list[QuarantinedRow]
    report: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    table: FileTable
    columns: ColumnMap
    numbers: dict[str, NumberColumn]
    times: PlacedTimes
    rows: CandleRows
    time_layout: str
    notes: list[str]

    @property
    def volume_is_absent(self) -> bool:
        """Whether volume had to be made up as 0, which the notes then say."""
        return bool(self.notes)


def candle_file_read(
    *,
    path: Path,
    timeframe: str,
    instrument_calendar: str,
    options: ReadOptions = DETECT_ALL,
) -> ReadResult:
    """Read a file of candles without touching the database.

    Args:
        path: Feather, parquet or CSV, the latter also in gzip or zip.
        timeframe: Length of the bars that the file should hold.
        instrument_calendar: ``24/7`` or ``XNSE``; tells gaps from nights, and IST from UTC.
        options: What the caller states instead of leaving it to detection.

    Returns:
        Bars, quarantined rows and report; at least one bar.

    Raises:
        CandleFileRefused: The file cannot be read for certain; the message says what to do.
    """
    length = Timeframe(timeframe)
    calendar = calendar_named(instrument_calendar)
    reading = _reading(path, length, calendar, options)
    _require_prices(reading.rows)
    _require_spacing(reading.times.microseconds, length)
    as_of, last_bar = _last_bar(reading, length, calendar, options)
    judgement = rows_judge(reading.rows, timeframe=length, calendar=calendar, as_of=as_of)
    good = judgement.good(reading.table.frame.height)
    if not good.size:
        raise CandleFileRefused(_nothing_good(judgement))
    if reading.volume_is_absent:
        judgement.findings["zero_volume"] = {"rows": None, "first": []}
    bars = _bars(reading, good, length)
    return ReadResult(
        bars=bars,
        quarantined=_quarantined(reading.table.frame, judgement),
        report=_report(path, reading, judgement, bars, last_bar),
    )


def _reading(
    path: Path, timeframe: Timeframe, calendar: TradingCalendar, options: ReadOptions
) -> _Reading:
    table = file_table(path, delimiter=options.delimiter)
    columns = columns_find(table.frame, stated=dict(options.columns))
    times = times_read(table.frame, columns.time, time_format=options.time_format)
    placed = times_place(
        times,
        column=columns.time[-1],
        timeframe=timeframe,
        calendar=calendar,
        stated=options.timezone,
    )
    _require_our_time(placed.microseconds)
    notes: list[str] = []
    numbers = {name: number_column(table.frame, getattr(columns, name)) for name in _PRICES}
    numbers["volume"] = _volume(table.frame, columns, notes)
    rows = CandleRows(
        open_at=placed.microseconds,
        **{name: column.floats for name, column in numbers.items()},
    )
    return _Reading(
        table=table,
        columns=columns,
        numbers=numbers,
        times=placed,
        rows=rows,
        time_layout=times.layout,
        notes=notes,
    )


def _volume(frame: pl.DataFrame, columns: ColumnMap, notes: list[str]) -> NumberColumn:
    absent = NumberColumn(pl.Series([0]).new_from_index(0, frame.height), np.zeros(frame.height))
    if columns.volume is None:
        notes.append("no volume column; volume is stored as 0")
        return absent
    volume = number_column(frame, columns.volume)
    if not np.isfinite(volume.floats).any():
        notes.append(f"column {columns.volume} is empty in every row; volume is stored as 0")
        return absent
    return volume


def _require_our_time(microseconds: NDArray[np.int64]) -> None:
    strange = np.flatnonzero((microseconds < _EARLIEST) | (microseconds >= _LATEST))
    if strange.size:
        row = int(strange[0])
        raise CandleFileRefused(
            f"row {row + 1} lies in the year {_year(int(microseconds[row]))}; expected times from "
            "1980 to 2099. Check the unit of the times and the right column"
        )


def _year(microseconds: int) -> int:
    return int(np.datetime64(microseconds, "us").astype("datetime64[Y]").astype(int)) + 1970


def _require_prices(rows: CandleRows) -> None:
    if rows.open.any() and not (rows.high.any() or rows.low.any() or rows.close.any()):
        raise CandleFileRefused(
            "only the column open holds anything but 0, as in files of funding rates; "
            "expected candles with open, high, low and close"
        )


def _require_spacing(microseconds: NDArray[np.int64], timeframe: Timeframe) -> None:
    """Refuse a file whose bars are of another length than stated."""
    steps = np.diff(np.unique(microseconds // _SECOND))
    if not steps.size:
        return
    lengths, counts = np.unique(steps, return_counts=True)
    usual = int(lengths[np.argmax(counts)])
    if usual != timeframe.seconds:
        known = next((entry.value for entry in Timeframe if entry.seconds == usual), None)
        advice = f"give --timeframe {known}" if known else "the desk has no such timeframe"
        raise CandleFileRefused(
            f"the bars are {usual:,} seconds apart, a {timeframe} bar has {timeframe.seconds:,}; "
            f"{advice}"
        )


def _last_bar(
    reading: _Reading, timeframe: Timeframe, calendar: TradingCalendar, options: ReadOptions
) -> tuple[datetime, dict[str, Any]]:
    """Return the moment by which bars must be complete, and what is known of the last one."""
    opened = int(reading.times.microseconds.max()) // _SECOND
    closes = int(calendar.closes(np.array([opened]), timeframe=timeframe)[0])
    written_at = reading.table.written_at
    if options.as_of is not None:
        as_of, evidence = options.as_of, "the as-of time that was stated"
    elif written_at is not None and opened <= written_at.timestamp() < closes:
        as_of, evidence = written_at, "the time at which the file was written"
    else:
        as_of, evidence = now(), "the present"
    if closes > as_of.timestamp():
        state = "unfinished"
        evidence = f"it closes after {evidence}, {as_of:%Y-%m-%dT%H:%M:%SZ}"
    elif options.as_of is not None:
        state, evidence = "finished", f"it closed before {evidence}"
    elif calendar.ends_session(opened, timeframe=timeframe):
        state, evidence = "finished", "it is the last bar of its session"
    else:
        state = "unproven"
        evidence = (
            "nothing in the file shows that it had closed when the file was written; "
            "give --as-of with that time to settle it"
        )
    facts = {
        "open_at": moment_text(opened),
        "closes_at": moment_text(closes),
        "state": state,
        "evidence": evidence,
    }
    return as_of, facts


def _bars(reading: _Reading, good: NDArray[np.int64], timeframe: Timeframe) -> list[Bar]:
    """Build the bars of the good rows, oldest first."""
    good = good[np.argsort(reading.times.microseconds[good], kind="stable")]
    columns = [reading.numbers[name].decimals(good) for name in (*_PRICES, "volume")]
    opens = (reading.times.microseconds[good] // _SECOND).tolist()
    length = timeframe.delta
    bars = []
    for opened, open_, high, low, close, volume in zip(opens, *columns, strict=True):
        open_at = datetime.fromtimestamp(opened, UTC)
        bars.append(
            Bar(
                open_at=open_at,
                close_at=open_at + length,
                open=_storable(open_),
                high=_storable(high),
                low=_storable(low),
                close=_storable(close),
                volume=_storable(volume),
            )
        )
    return bars


def _storable(amount: Decimal) -> Decimal:
    """Return the amount as it was written unless the database would round it."""
    rounded = stored(amount)
    return amount if amount == rounded else rounded


def _quarantined(frame: pl.DataFrame, judgement: Judgement) -> list[QuarantinedRow]:
    return [
        QuarantinedRow(
            row_number=index + 1,
            reason=reason,
            row={name: str(value) for name, value in frame.row(index, named=True).items()},
        )
        for index, reason in sorted(judgement.reasons.items())
    ]


def _nothing_good(judgement: Judgement) -> str:
    first = min(judgement.reasons)
    return (
        f"not one of the {len(judgement.reasons):,} rows is a possible bar; row {first + 1}: "
        f"{judgement.reasons[first]}. Expected candles with open, high, low and close"
    )


def _report(
    path: Path,
    reading: _Reading,
    judgement: Judgement,
    bars: list[Bar],
    last_bar: dict[str, Any],
) -> dict[str, Any]:
    return {
        "file": {"name": path.name, "layout": reading.table.layout},
        "rows": reading.table.frame.height,
        "bars": len(bars),
        "first_open_at": moment_text(bars[0].open_at.timestamp()),
        "last_open_at": moment_text(bars[-1].open_at.timestamp()),
        "columns": reading.columns.described(),
        "time": {
            "layout": reading.time_layout,
            "timezone": reading.times.timezone,
            "evidence": reading.times.evidence,
        },
        **judgement.findings,
        "last_bar": last_bar,
        "quarantined": {
            "rows": len(judgement.reasons),
            "by_kind": dict(Counter(judgement.kinds)),
        },
        "notes": reading.notes,
    }
