"""Reads one file of candles from bytes to bars, with a report of everything it met on the way."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.core.money import stored
from apps.marketdata.domain.calendars import TradingCalendar, calendar_named
from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.domain.quality import (
    CandleRows,
    Judgement,
    distinct,
    moment_text,
    rows_judge,
)
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.importers.columns import (
    ColumnMap,
    NumberColumn,
    columns_find,
    number_column,
)
from apps.marketdata.importers.formats import FileTable, file_table
from apps.marketdata.importers.last_bar import last_bar_judge
from apps.marketdata.importers.options import DETECT_ALL, ReadOptions
from apps.marketdata.importers.results import (
    POSSIBLY_UNFINISHED,
    QUARANTINED,
    CandleArrays,
    QuarantinedRow,
    ReadResult,
    quarantine_described,
)
from apps.marketdata.importers.times import ReadTimes, times_read
from apps.marketdata.importers.zones import PlacedTimes, times_place

_SECOND = 1_000_000
_PRICES = ("open", "high", "low", "close")
_CELL_LENGTH = 200
_LONGEST_STRETCH = 20_000_000  # bars; 38 years of minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A file whose times are placed in UTC; ``frame`` and ``rows`` leave out unreadable times."""

    table: FileTable
    frame: pl.DataFrame
    columns: ColumnMap
    numbers: dict[str, NumberColumn]
    times: ReadTimes
    placed: PlacedTimes
    rows: CandleRows
    volume_note: str


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
    reading, judgement, last_bar, good = _judged(path, length, instrument_calendar, options)
    bars = _bars(reading, good, length)
    quarantined = _quarantined(reading, judgement)
    return ReadResult(
        bars=bars,
        last_row=_as_it_stood(reading.frame, int(good[-1]), reading.rows, ""),
        quarantined=quarantined,
        report=_report(
            path=path,
            reading=reading,
            judgement=judgement,
            bars=bars,
            quarantined=quarantined,
            last_bar=last_bar,
        ),
    )


def candle_arrays_read(
    *,
    path: Path,
    timeframe: str,
    instrument_calendar: str,
    options: ReadOptions = DETECT_ALL,
) -> CandleArrays:
    """Read the good bars of a file as arrays, for research: no exact numbers, no row by row.

    Args, refusals and judgement are those of ``candle_file_read``.

    Raises:
        CandleFileRefused: The file cannot be read for certain; the message says what to do.
    """
    reading, judgement, _, good = _judged(path, Timeframe(timeframe), instrument_calendar, options)
    columns = {name: getattr(reading.rows, name)[good] for name in (*_PRICES, "volume")}
    return CandleArrays(
        open_at=reading.rows.open_at[good].astype("datetime64[us]"),
        quarantined=len(judgement.reasons) + len(reading.times.unreadable),
        first_reason=next(iter(judgement.reasons.values()), ""),
        **columns,
    )


def _judged(
    path: Path, timeframe: Timeframe, instrument_calendar: str, options: ReadOptions
) -> tuple[_Reading, Judgement, dict[str, Any], NDArray[np.int64]]:
    """Read and judge a file; return also what is known of its last bar, and its good rows."""
    calendar = calendar_named(instrument_calendar)
    reading = _reading(path, timeframe, calendar, options)
    _require_prices(reading.rows)
    _require_spacing(reading.rows, timeframe, calendar)
    as_of, last_bar = last_bar_judge(
        int(reading.rows.open_at.max()) // _SECOND,
        timeframe=timeframe,
        calendar=calendar,
        stated_as_of=options.as_of,
        written_at=reading.table.written_at,
    )
    judgement = rows_judge(reading.rows, timeframe=timeframe, calendar=calendar, as_of=as_of)
    good = judgement.good(reading.frame.height)
    if not good.size:
        raise CandleFileRefused(_nothing_good(reading, judgement))
    return reading, judgement, last_bar, _by_time(reading.rows.open_at, good)


def _by_time(open_at: NDArray[np.int64], good: NDArray[np.int64]) -> NDArray[np.int64]:
    return good[np.argsort(open_at[good], kind="stable")]


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
    frame = table.frame[times.readable] if times.unreadable else table.frame
    numbers = {name: number_column(frame, getattr(columns, name)) for name in _PRICES}
    numbers["volume"], volume_note = _volume(frame, columns)
    rows = CandleRows(
        row_number=times.readable + 1,
        open_at=placed.microseconds,
        **{name: column.floats for name, column in numbers.items()},
    )
    return _Reading(
        table=table,
        frame=frame,
        columns=columns,
        numbers=numbers,
        times=times,
        placed=placed,
        rows=rows,
        volume_note=volume_note,
    )


def _volume(frame: pl.DataFrame, columns: ColumnMap) -> tuple[NumberColumn, str]:
    """Return the volume, and a note where it had to be made up as 0."""
    absent = NumberColumn(pl.Series([0]).new_from_index(0, frame.height), np.zeros(frame.height))
    if columns.volume is None:
        return absent, "no volume column; volume is stored as 0"
    volume = number_column(frame, columns.volume)
    if np.isfinite(volume.floats).any():
        return volume, ""
    return absent, (
        f"column {columns.volume} is empty in every row, as in files of mark prices; volume is "
        "stored as 0. Keep mark prices apart from traded ones, under an instrument of their own "
        "such as BYBIT:BTCUSDT.MARK"
    )


def _require_prices(rows: CandleRows) -> None:
    if rows.open.any() and not (rows.high.any() or rows.low.any() or rows.close.any()):
        raise CandleFileRefused(
            "only the column open holds anything but 0, as in files of funding rates; "
            "expected candles with open, high, low and close"
        )


def _require_spacing(rows: CandleRows, timeframe: Timeframe, calendar: TradingCalendar) -> None:
    """Refuse a file whose bars are of another length than stated, or stretch beyond reason."""
    opens = distinct(rows.open_at // _SECOND)
    if opens.size == 1:
        return
    first, last = int(opens[0]), int(opens[-1])
    if (last - first) // timeframe.seconds > _LONGEST_STRETCH:
        raise CandleFileRefused(
            f"the times run from {moment_text(first)} to {moment_text(last)}, more than "
            f"{_LONGEST_STRETCH:,} bars of {timeframe}; look for a wrong one at either end"
        )
    lengths, counts = np.unique(np.diff(opens), return_counts=True)
    usual = int(lengths[np.argmax(counts)])
    expected = calendar.opens_between(first=first, last=last, timeframe=timeframe)
    places = np.flatnonzero(np.isin(expected, opens))
    some_follow = bool((np.diff(places) == 1).any())
    if usual == timeframe.seconds or (usual > timeframe.seconds and some_follow):
        return
    known = next((entry.value for entry in Timeframe if entry.seconds == usual), None)
    advice = f"give --timeframe {known}" if known else "the desk has no such timeframe"
    raise CandleFileRefused(
        f"the bars are {usual:,} seconds apart, a {timeframe} bar has {timeframe.seconds:,}; "
        f"{advice}"
    )


def _bars(reading: _Reading, good: NDArray[np.int64], timeframe: Timeframe) -> list[Bar]:
    """Build the bars of the good rows, in the order given."""
    columns = [reading.numbers[name].decimals(good) for name in (*_PRICES, "volume")]
    opens = (reading.rows.open_at[good] // _SECOND).tolist()
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


def _quarantined(reading: _Reading, judgement: Judgement) -> list[QuarantinedRow]:
    without_time = [
        _as_it_stood(reading.table.frame, index, None, reason)
        for index, reason in reading.times.unreadable.items()
    ]
    judged = [
        _as_it_stood(reading.frame, index, reading.rows, reason)
        for index, reason in judgement.reasons.items()
    ]
    return sorted([*without_time, *judged], key=lambda row: row.row_number)


def _as_it_stood(
    frame: pl.DataFrame, index: int, rows: CandleRows | None, reason: str
) -> QuarantinedRow:
    return QuarantinedRow(
        row_number=index + 1 if rows is None else int(rows.row_number[index]),
        reason=reason,
        row={column.name: _cell(column.slice(index, 1)) for column in frame},
    )


def _cell(single: pl.Series) -> str:
    """Write a value so that it can be stored: PostgreSQL takes no NUL, a cell has an end."""
    if single.null_count():
        return ""
    # A damaged time may lie beyond the years of Python's datetime, not beyond NumPy's
    value = single.to_numpy()[0] if single.dtype.is_temporal() else single[0]
    return str(value).replace("\0", "\\0")[:_CELL_LENGTH]


def _nothing_good(reading: _Reading, judgement: Judgement) -> str:
    first = min(judgement.reasons)
    return (
        f"not one of the {reading.table.frame.height:,} rows is a possible bar; "
        f"row {reading.rows.row_number[first]}: {judgement.reasons[first]}. "
        "Expected candles with open, high, low and close"
    )


def _report(
    *,
    path: Path,
    reading: _Reading,
    judgement: Judgement,
    bars: list[Bar],
    quarantined: list[QuarantinedRow],
    last_bar: dict[str, Any],
) -> dict[str, Any]:
    findings = dict(judgement.findings)
    if reading.volume_note:
        findings["zero_volume"] = {"rows": None, "first": []}
    if last_bar["state"] == POSSIBLY_UNFINISHED and _seconds(bars[-1]) != _last_opened(reading):
        evidence = "its row is in quarantine for another reason"
        last_bar = {**last_bar, "state": QUARANTINED, "evidence": evidence}
    without_time = len(reading.times.unreadable)
    kinds = dict(judgement.kinds) | ({"unreadable time": without_time} if without_time else {})
    return {
        "file": {"name": _name(path), "layout": reading.table.layout},
        "rows": reading.table.frame.height,
        "bars": len(bars),
        "first_open_at": moment_text(_seconds(bars[0])),
        "last_open_at": moment_text(_seconds(bars[-1])),
        "columns": reading.columns.described(),
        "time": {
            "layout": reading.times.layout,
            "timezone": reading.placed.timezone,
            "evidence": reading.placed.evidence,
        },
        "unreadable": without_time + findings.pop("not_finite"),
        **findings,
        "last_bar": last_bar,
        "quarantined": quarantine_described(quarantined, kinds),
        "notes": [note for note in (reading.volume_note, reading.placed.note) if note],
    }


def _name(path: Path) -> str:
    """Return the file's name; what is no text in it, which Unix allows, as question marks."""
    return path.name.encode(errors="replace").decode()


def _seconds(bar: Bar) -> float:
    return bar.open_at.timestamp()


def _last_opened(reading: _Reading) -> int:
    return int(reading.rows.open_at.max()) // _SECOND
