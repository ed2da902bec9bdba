"""Reads the times of a file in the one format that all its rows share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.marketdata.domain.errors import CandleFileRefused

Kind = Literal["aware", "epoch", "naive", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTimes:
    """The times as written.

    Attributes:
        microseconds: Since 1970-01-01 00:00 of the clock that wrote them: UTC where they are
            aware or epochs, else a wall clock yet to be found. (n,) int64.
        kind: Whether the offset is known; ``date`` has no time of day.
        layout: The format, in words.
        offset: What the times say of their clock, such as ``UTC+05:30``; empty if nothing.
    """

    microseconds: NDArray[np.int64]
    kind: Kind
    layout: str
    offset: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    name: str
    pattern: str
    strptime: str
    kind: Kind


_CLOCK = r" \d{2}:\d{2}:\d{2}(\.\d{1,9})?"
_LAYOUTS = (
    _Layout(
        "ISO 8601 with offset",
        rf"^\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK}[+-]\d{{2}}:\d{{2}}$",
        "%Y-%m-%d %H:%M:%S%.f%:z",
        "aware",
    ),
    _Layout(
        "ISO 8601 without offset",
        rf"^\d{{4}}-\d{{2}}-\d{{2}}{_CLOCK}$",
        "%Y-%m-%d %H:%M:%S%.f",
        "naive",
    ),
    _Layout("YYYY-MM-DD", r"^\d{4}-\d{2}-\d{2}$", "%Y-%m-%d", "date"),
    _Layout("YYYYMMDD HH:MM", rf"^\d{{8}}{_CLOCK}$", "%Y%m%d %H:%M:%S%.f", "naive"),
    _Layout("YYYYMMDD", r"^(19|20)\d{6}$", "%Y%m%d", "date"),
    _Layout(
        "DD-Mon-YYYY HH:MM",
        rf"^\d{{2}}-[A-Za-z]{{3}}-\d{{4}}{_CLOCK}$",
        "%d-%b-%Y %H:%M:%S%.f",
        "naive",
    ),
    _Layout("DD-Mon-YYYY", r"^\d{2}-[A-Za-z]{3}-\d{4}$", "%d-%b-%Y", "date"),
    _Layout("Unix epoch", r"^\d{9,19}(\.\d+)?$", "", "epoch"),
)
_EPOCH_UNITS = (  # name, lower bound, microseconds per unit as numerator and denominator
    ("seconds", 10**8, 1_000_000, 1),
    ("milliseconds", 10**11, 1000, 1),
    ("microseconds", 10**14, 1, 1),
    ("nanoseconds", 10**17, 1, 1000),
)
_EXAMPLE = "give it with --time-format, as in --time-format '%d/%m/%Y %H:%M'"


def times_read(
    frame: pl.DataFrame, columns: tuple[str, ...], *, time_format: str | None
) -> ReadTimes:
    """Read the times of all rows.

    Args:
        columns: One column, or the date and the time of day.
        time_format: A strptime format that was stated; None finds it.

    Raises:
        CandleFileRefused: A time is missing, unreadable, impossible or of another format.
    """
    series = _joined(frame, columns)
    missing = series.null_count()
    if missing:
        raise CandleFileRefused(
            f"{missing} rows have no time in column {' + '.join(columns)}, the first is row "
            f"{(series.is_null().arg_max() or 0) + 1}; remove them or name the right column"
        )
    if series.dtype.is_temporal():
        return _from_temporal(series)
    if series.dtype.is_numeric():
        return _from_numbers(series)
    text = series.cast(pl.String).str.strip_chars()
    if time_format is not None:
        kind: Kind = "aware" if "%z" in time_format or "%:z" in time_format else "naive"
        return _from_text(text, _Layout(f"stated as {time_format}", "", time_format, kind))
    text = _normalised(text)
    return _from_text(text, _shared_layout(text))


def _joined(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    if len(columns) == 1:
        return frame[columns[0]]
    parts = [frame[name].cast(pl.String).str.strip_chars() for name in columns]
    return parts[0] + " " + parts[1]


def _from_temporal(series: pl.Series) -> ReadTimes:
    zone = getattr(series.dtype, "time_zone", None)
    if series.dtype == pl.Date:
        kind: Kind = "date"
    elif series.dtype == pl.Datetime:
        kind = "aware" if zone else "naive"
    else:
        raise CandleFileRefused(
            f"column {series.name} holds {series.dtype}, which does not name a moment; "
            "name the right one with --column time=NAME"
        )
    stamps = series.cast(pl.Datetime("us", zone)).to_physical().to_numpy()
    layout = f"typed {series.dtype}".replace("'", "")
    return ReadTimes(
        microseconds=_integers(stamps), kind=kind, layout=layout, offset=zone or ""
    )


def _from_numbers(series: pl.Series) -> ReadTimes:
    values = series.cast(pl.Float64)
    if not values.is_finite().all():
        raise CandleFileRefused(f"column {series.name} holds times that are not finite numbers")
    if values.is_between(19_000_101, 21_001_231).all():
        text = series.cast(pl.Int64).cast(pl.String)
        return _from_text(text, _shared_layout(text))
    unit, numerator, denominator = _epoch_unit(series.name, values)
    if series.dtype.is_integer():
        stamps = series.cast(pl.Int64) * numerator // denominator
    else:
        stamps = (values * numerator / denominator).round().cast(pl.Int64)
    return ReadTimes(
        microseconds=_integers(stamps.to_numpy()), kind="epoch", layout=f"Unix epoch in {unit}"
    )


def _epoch_unit(name: str, values: pl.Series) -> tuple[str, int, int]:
    for unit, least, numerator, denominator in reversed(_EPOCH_UNITS):
        if (values >= least).all():
            if (values < least * 1000).all():
                return unit, numerator, denominator
            break
    lowest, highest = values.min(), values.max()
    raise CandleFileRefused(
        f"column {name} holds numbers from {lowest!r} to {highest!r}, which are not moments since 1970 "
        "in one unit (seconds, milliseconds, microseconds or nanoseconds); "
        "name the right column with --column time=NAME"
    )


def _normalised(text: pl.Series) -> pl.Series:
    """Write the many spellings of ISO 8601 in one: blank, seconds, colon in the offset."""
    rewrites = (
        (r"^(\d{4}-\d{2}-\d{2}|\d{8})T", "${1} "),
        (r"^(\d{2}-[A-Za-z]{3}-\d{4}),? +", "${1} "),
        (r" ?(Z|UTC)$", "+00:00"),
        (r"^(\S+ \d{1,2}:\d{2})($|[ ]?[+-]\d)", "${1}:00${2}"),
        (r"^(\S+) (\d:)", "${1} 0${2}"),
        (r"^(\S+ \d{2}:\d{2}:\d{2}(?:\.\d+)?) ?([+-]\d{2}):?(\d{2})$", "${1}${2}:${3}"),
    )
    for pattern, replacement in rewrites:
        text = text.str.replace(pattern, replacement)
    return text


def _shared_layout(text: pl.Series) -> _Layout:
    first = next((layout for layout in _LAYOUTS if _matches(text.head(1), layout).all()), None)
    if first is None:
        raise CandleFileRefused(
            f"the time {text[0]!r} in row 1 is in no format that is certain; {_EXAMPLE}"
        )
    matches = _matches(text, first)
    if not matches.all():
        row = matches.not_().arg_max() or 0
        raise CandleFileRefused(
            f"the times are in more than one format: {text[0]!r} in row 1 ({first.name}), "
            f"{text[row]!r} in row {row + 1}; write them all in one"
        )
    return first


def _matches(text: pl.Series, layout: _Layout) -> pl.Series:
    return text.str.contains(layout.pattern)


def _from_text(text: pl.Series, layout: _Layout) -> ReadTimes:
    if layout.kind == "epoch":
        is_whole = text.str.contains(r"^\d+$").all()
        return _from_numbers(text.cast(pl.Int64 if is_whole else pl.Float64))
    stamps = _parsed(text, layout)
    if stamps.null_count():
        row = stamps.is_null().arg_max() or 0
        raise CandleFileRefused(
            f"the time {text[row]!r} in row {row + 1} does not exist or is not {layout.name}; "
            f"correct it, or if the format is another, {_EXAMPLE}"
        )
    return ReadTimes(
        microseconds=_integers(stamps.to_physical().to_numpy()),
        kind=layout.kind,
        layout=layout.name,
        offset=_offset(text) if layout.kind == "aware" else "",
    )


def _offset(text: pl.Series) -> str:
    """Name the offset that the texts end with, or say that there are several."""
    offsets = text.str.extract(r"([+-]\d{2}:?\d{2})$").unique()
    if len(offsets) > 1:
        return "several offsets, one per row"
    return "UTC" if offsets[0] in ("+00:00", "+0000", None) else f"UTC{offsets[0]}"


def _parsed(text: pl.Series, layout: _Layout) -> pl.Series:
    zone = "UTC" if layout.kind == "aware" else None
    try:
        return text.str.strptime(pl.Datetime("us", zone), layout.strptime, strict=False)
    except pl.exceptions.PolarsError as error:
        raise CandleFileRefused(f"the times cannot be read: {error}; {_EXAMPLE}") from error


def _integers(stamps: NDArray[np.generic]) -> NDArray[np.int64]:
    return np.asarray(stamps, dtype=np.int64)
