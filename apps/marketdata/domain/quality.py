"""Judges rows of candles before anything is stored: which are no bars, and what the rest lacks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.marketdata.domain.calendars import Flags, Moments, TradingCalendar
from apps.marketdata.domain.timeframes import Timeframe

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LARGEST_GAPS = 10
NAMED_AT_MOST = 500
DUPLICATE_RULE = "the first possible row of an open time is kept, later ones are quarantined"
_SMALLEST_PRICE = 1e-10  # one unit of the last decimal place that is stored
_LARGEST = 1e17
_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleRows:
    """Rows in the order of the file; those whose time cannot be read are left out before.

    Attributes:
        row_number: Place in the file, from 1, (n,) int64.
        open_at: Microseconds since the Unix epoch in UTC, (n,) int64.
        open, high, low, close, volume: (n,) float64, NaN where missing.
    """

    row_number: Indices
    open_at: Moments
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(slots=True)
class Judgement:
    """Why each bad row is bad (by index), and the findings as plain JSON values."""

    reasons: dict[int, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Any] = field(default_factory=dict)

    def refuse(self, kind: str, mask: Flags, reason: Callable[[int], str]) -> None:
        """Give a reason to the marked rows that have none yet."""
        for index in np.flatnonzero(mask):
            if int(index) not in self.reasons:
                self.reasons[int(index)] = reason(int(index))
                self.kinds[kind] += 1

    def good(self, count: int) -> Indices:
        """Return the indices of the rows without a reason."""
        mask = np.ones(count, dtype=np.bool_)
        mask[list(self.reasons)] = False
        return np.asarray(np.flatnonzero(mask), dtype=np.int64)


def rows_judge(
    rows: CandleRows, *, timeframe: Timeframe, calendar: TradingCalendar, as_of: datetime
) -> Judgement:
    """Find the rows that are no bars, and describe what is missing between the good ones.

    Args:
        as_of: A bar that is complete only after this moment is unfinished.
    """
    judgement = Judgement()
    _judge_numbers(judgement, rows)
    _judge_times(judgement, rows, timeframe, calendar)
    _judge_prices(judgement, rows)
    _judge_duplicates(judgement, rows)
    _judge_unfinished(judgement, rows, timeframe, calendar, as_of)
    _describe_order(judgement, rows)
    _describe_gaps(judgement, rows, timeframe, calendar)
    _describe_zero_volume(judgement, rows)
    return judgement


def distinct(moments: Moments) -> Moments:
    """Return each moment once, rising; at once where they are so already, as in most files."""
    is_rising = bool((moments[1:] > moments[:-1]).all())
    return moments if is_rising else np.unique(moments)


def moment_text(seconds: float) -> str:
    """Write a moment in ISO 8601, to the second, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _at(rows: CandleRows, index: int) -> str:
    return moment_text(int(rows.open_at[index]) / 1e6)


def _judge_numbers(judgement: Judgement, rows: CandleRows) -> None:
    for name in _COLUMNS:
        column: Floats = getattr(rows, name)
        judgement.refuse(
            "not finite",
            ~np.isfinite(column),
            lambda _, name=name: f"{name} is missing or not a finite number",  # type: ignore[misc]
        )
        judgement.refuse(
            "out of range",
            np.abs(column) >= _LARGEST,
            lambda index, name=name, column=column: (  # type: ignore[misc]
                f"{name} {column[index]:g} is more than the desk can store"
            ),
        )
    judgement.findings["not_finite"] = (
        judgement.kinds["not finite"] + judgement.kinds["out of range"]
    )


def _judge_times(
    judgement: Judgement, rows: CandleRows, timeframe: Timeframe, calendar: TradingCalendar
) -> None:
    whole = rows.open_at % 1_000_000 == 0
    aligned = calendar.aligned(rows.open_at // 1_000_000, timeframe=timeframe)
    judgement.refuse(
        "misaligned",
        ~(whole & aligned),
        lambda index: f"{_at(rows, index)} is not an open time of a {timeframe} bar",
    )
    judgement.findings["misaligned"] = judgement.kinds["misaligned"]


def _judge_prices(judgement: Judgement, rows: CandleRows) -> None:
    """Refuse what no trading can have made. NaN compares as False, and has its reason already."""
    upper, lower = np.maximum(rows.open, rows.close), np.minimum(rows.open, rows.close)
    for name in _COLUMNS[:4]:
        column: Floats = getattr(rows, name)
        judgement.refuse(
            "impossible: price not positive",
            column < _SMALLEST_PRICE,
            lambda index, name=name, column=column: (  # type: ignore[misc]
                f"{name} {column[index]:.12g} is not positive"
            ),
        )
    judgement.refuse(
        "impossible: high too low",
        rows.high < upper,
        lambda index: f"high {rows.high[index]:.12g} is below open or close {upper[index]:.12g}",
    )
    judgement.refuse(
        "impossible: low too high",
        rows.low > lower,
        lambda index: f"low {rows.low[index]:.12g} is above open or close {lower[index]:.12g}",
    )
    judgement.refuse(
        "impossible: negative volume",
        rows.volume < 0,
        lambda index: f"volume {rows.volume[index]:.12g} is negative",
    )
    by_kind = {
        kind.removeprefix("impossible: "): count
        for kind, count in judgement.kinds.items()
        if kind.startswith("impossible")
    }
    judgement.findings["impossible"] = {"rows": sum(by_kind.values()), "by_kind": by_kind}


def _judge_duplicates(judgement: Judgement, rows: CandleRows) -> None:
    first: dict[int, int] = {}
    named: list[dict[str, Any]] = []
    good = judgement.good(len(rows.open_at))
    _, place, count = np.unique(rows.open_at[good], return_inverse=True, return_counts=True)
    for index in good[count[place] > 1].tolist():
        kept = first.setdefault(int(rows.open_at[index]), index)
        if kept == index:
            continue
        difference = _difference(rows, kept, index)
        kind = "conflicting duplicate" if difference else "exact duplicate"
        judgement.kinds[kind] += 1
        row, kept_row = int(rows.row_number[index]), int(rows.row_number[kept])
        judgement.reasons[index] = f"duplicate of row {kept_row}" + (
            f" with another {difference}" if difference else ""
        )
        named.append({"open_at": _at(rows, index), "row": row, "kept_row": kept_row, "kind": kind})
    judgement.findings["duplicates"] = {
        "rows": len(named),
        "open_times": len({entry["open_at"] for entry in named}),
        "exact": judgement.kinds["exact duplicate"],
        "conflicting": judgement.kinds["conflicting duplicate"],
        "rule": DUPLICATE_RULE,
        "named": named[:NAMED_AT_MOST],
    }


def _difference(rows: CandleRows, kept: int, index: int) -> str:
    for name in _COLUMNS:
        column: Floats = getattr(rows, name)
        if column[kept] != column[index]:
            return f"{name}: {column[index]:.12g} instead of {column[kept]:.12g}"
    return ""


def _judge_unfinished(
    judgement: Judgement,
    rows: CandleRows,
    timeframe: Timeframe,
    calendar: TradingCalendar,
    as_of: datetime,
) -> None:
    closes = calendar.closes(rows.open_at // 1_000_000, timeframe=timeframe)
    judgement.refuse(
        "unfinished",
        closes > as_of.timestamp(),
        lambda index: (
            f"unfinished: closes at {moment_text(closes[index])}, after {as_of:%Y-%m-%dT%H:%M:%SZ}"
        ),
    )
    judgement.findings["unfinished"] = judgement.kinds["unfinished"]


def _describe_order(judgement: Judgement, rows: CandleRows) -> None:
    """Count rows older than one before them; they are good, and are stored in order."""
    good = judgement.good(len(rows.open_at))
    times = rows.open_at[good]
    late = np.flatnonzero(times < np.maximum.accumulate(times)) if times.size else times
    judgement.findings["out_of_order"] = {
        "rows": int(late.size),
        "first_rows": rows.row_number[good[late[:LARGEST_GAPS]]].tolist(),
    }


def _describe_gaps(
    judgement: Judgement, rows: CandleRows, timeframe: Timeframe, calendar: TradingCalendar
) -> None:
    """Compare with the calendar. A row in quarantine is no gap: the file did hold it."""
    seconds = distinct(rows.open_at // 1_000_000)
    present = seconds[calendar.aligned(seconds, timeframe=timeframe)]
    gaps: list[dict[str, Any]] = []
    outside = np.empty(0, dtype=np.int64)
    if present.size:
        expected = calendar.opens_between(
            first=int(present[0]), last=int(present[-1]), timeframe=timeframe
        )
        outside = present[~np.isin(present, expected, assume_unique=True)]
        gaps = _gaps(expected, np.isin(expected, present, assume_unique=True))
    judgement.findings["gaps"] = {
        "count": len(gaps),
        "missing_bars": sum(gap["missing_bars"] for gap in gaps),
        "largest": sorted(gaps, key=lambda gap: -gap["missing_bars"])[:LARGEST_GAPS],
        "calendar": f"{calendar.name}: {calendar.note}",
    }
    judgement.findings["outside_session"] = {
        "rows": int(outside.size),
        "first": moment_text(outside[0]) if outside.size else None,
        "last": moment_text(outside[-1]) if outside.size else None,
    }


def _gaps(expected: Moments, present: Flags) -> list[dict[str, Any]]:
    missing = np.flatnonzero(~present)
    if not missing.size:
        return []
    runs = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1)
    return [
        {
            "first_missing": moment_text(expected[run[0]]),
            "last_missing": moment_text(expected[run[-1]]),
            "missing_bars": len(run),
        }
        for run in runs
    ]


def _describe_zero_volume(judgement: Judgement, rows: CandleRows) -> None:
    good = judgement.good(len(rows.open_at))
    empty = good[rows.volume[good] == 0]
    judgement.findings["zero_volume"] = {
        "rows": len(empty),
        "first": [_at(rows, int(index)) for index in empty[:LARGEST_GAPS]],
    }
