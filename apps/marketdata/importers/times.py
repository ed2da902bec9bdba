"""Reads the times of a file in the one format that its rows share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.importers.strays import strays_borne

Kind = Literal["aware", "epoch", "naive", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTimes:
    """The times as written.

    Attributes:
        microseconds: Since 1970-01-01 00:00 of the clock that wrote them: UTC where they are
            aware or epochs, else a wall clock yet to be found. (n_readable,) int64.
        readable: Index of the row of each of them, (n_readable,) int64, in the order of the file.
        unreadable: Why each other row's time cannot be read, by index.
        kind: Whether the offset is known; ``date`` has no time of day.
        layout: The format, in words.
        offset: What the times say of their clock, such as ``UTC+05:30``; empty if nothing.
    """

    microseconds: NDArray[np.int64]
    readable: NDArray[np.int64]
    unreadable: dict[int, str]
    kind: Kind
    layout: str
    offset: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    name: str
    pattern: str
    strptime: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Microseconds of all rows, null where unreadable."""

    values: pl.Series
    kind: Kind
    layout: str
    offset: str = ""


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
    *(
        _Layout(
            f"YYYY{mark}MM{mark}DD HH:MM",
            rf"^\d{{4}}{pattern}\d{{2}}{pattern}\d{{2}}{_CLOCK}$",
            f"%Y{mark}%m{mark}%d %H:%M:%S%.f",
            "naive",
        )
        for mark, pattern in ((".", r"\."), ("/", "/"))
    ),
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
    ("nanoseconds", 10**17, 1, 1000),
    ("microseconds", 10**14, 1, 1),
    ("milliseconds", 10**11, 1000, 1),
    ("seconds", 10**8, 1_000_000, 1),
)
_TYPED_UNITS = {"ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_YEARS = (1980, 2100)
_EARLIEST, _LATEST = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * _SECOND for year in _YEARS
)
_EXAMPLE = "give it with --time-format, as in --time-format '%d/%m/%Y %H:%M'"
_ADVICE = (
    "name the right column with --column time=NAME, or the format with --time-format, as in "
    "--time-format '%d/%m/%Y %H:%M'"
)


def times_read(
    frame: pl.DataFrame, columns: tuple[str, ...], *, time_format: str | None
) -> ReadTimes:
    """Read the times of all rows; a few that cannot be read are named and left to quarantine.

    Args:
        columns: One column, or the date and the time of day.
        time_format: A strptime format that was stated; None finds it.

    Raises:
        CandleFileRefused: So many times are missing, unreadable, impossible or of another format
            that the column, the format or the file is not what it was taken for.
    """
    series = _joined(frame, columns)
    stamps = _stamps(series, time_format)
    is_ours = stamps.values.is_between(_EARLIEST, _LATEST, closed="left").fill_null(value=False)
    unreadable = {
        int(row): _reason(series, stamps, int(row))
        for row in np.flatnonzero(is_ours.not_().to_numpy())[: strays_borne(len(series)) + 1]
    }
    if len(unreadable) > strays_borne(len(series)) or not is_ours.any():
        raise CandleFileRefused(
            f"{is_ours.not_().sum():,} of {len(series):,} times in column "
            f"{' + '.join(columns)} cannot be used; row {min(unreadable) + 1}: "
            f"{unreadable[min(unreadable)]}. If that is not the time, {_ADVICE}"
        )
    return ReadTimes(
        microseconds=np.asarray(stamps.values.filter(is_ours).to_numpy(), dtype=np.int64),
        readable=np.asarray(np.flatnonzero(is_ours.to_numpy()), dtype=np.int64),
        unreadable=unreadable,
        kind=stamps.kind,
        layout=stamps.layout,
        offset=stamps.offset,
    )


def _reason(series: pl.Series, stamps: _Stamps, row: int) -> str:
    if series.slice(row, 1).null_count():
        return "the time is missing"
    microseconds = stamps.values[row]
    if microseconds is None:
        written = str(series[row]).strip()[:60]
        return f"the time {written!r} does not exist or is not {stamps.layout}"
    # Not through Python's datetime, which ends with the year 9999
    year = int(np.datetime64(microseconds, "us").astype("datetime64[Y]").astype(int)) + 1970
    return f"the time lies in the year {year}; expected {_YEARS[0]} to {_YEARS[1] - 1}"


def _joined(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    if len(columns) == 1:
        return frame[columns[0]]
    parts = [frame[name].cast(pl.String).str.strip_chars() for name in columns]
    return parts[0] + " " + parts[1]


def _stamps(series: pl.Series, time_format: str | None) -> _Stamps:
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


def _from_temporal(series: pl.Series) -> _Stamps:
    # By the stored integers: Polars panics over the damaged times that Arrow lets pass
    stored = series.to_physical().cast(pl.Int64)
    layout = f"typed {series.dtype}".replace("'", "")
    if series.dtype == pl.Date:
        return _Stamps(stored * _DAY, "date", layout)
    if not isinstance(series.dtype, pl.Datetime):
        raise CandleFileRefused(
            f"column {series.name} holds {series.dtype}, which does not name a moment; "
            "name the right one with --column time=NAME"
        )
    numerator, denominator = _TYPED_UNITS[series.dtype.time_unit]
    zone = series.dtype.time_zone or ""
    stamps = stored * numerator // denominator
    return _Stamps(stamps, "aware" if zone else "naive", layout, zone)


def _from_numbers(series: pl.Series) -> _Stamps:
    values = series.cast(pl.Float64)
    finite = values.filter(values.is_finite())
    usual = float(np.median(finite.to_numpy())) if len(finite) else float("nan")
    if 19_000_101 <= usual <= 21_001_231:
        text = series.cast(pl.Int64, strict=False).cast(pl.String)
        return _from_text(text, _shared_layout(text))
    unit = next((each for each in _EPOCH_UNITS if each[1] <= usual < each[1] * 1000), None)
    if unit is None:
        raise CandleFileRefused(
            f"column {series.name} holds numbers around {usual:g}, which are not moments since "
            "1970 in seconds, milliseconds, microseconds or nanoseconds; "
            "name the right column with --column time=NAME"
        )
    name, least, numerator, denominator = unit
    inside = values.is_finite() & (values >= least) & (values < least * 1000)
    whole = pl.select(pl.when(inside).then(series)).to_series()
    if series.dtype.is_integer():
        stamps = whole.cast(pl.Int64) * numerator // denominator
    else:
        stamps = (whole.cast(pl.Float64) * numerator / denominator).round().cast(pl.Int64)
    return _Stamps(stamps, "epoch", f"Unix epoch in {name}")


def _normalised(text: pl.Series) -> pl.Series:
    """Write the many spellings of ISO 8601 in one: blank, seconds, colon in the offset."""
    rewrites = (
        (r"^(\d{4}[-./]\d{2}[-./]\d{2}|\d{8})T", "${1} "),
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
    """Return the layout of most rows; what is of another one is then unreadable."""
    counts = {layout.name: (_matches(text, layout).sum(), layout) for layout in _LAYOUTS}
    most, layout = max(counts.values(), key=lambda entry: entry[0])
    if most == 0:
        raise CandleFileRefused(
            f"the time {text[0]!r} in row 1 is in no format that is certain; {_EXAMPLE}"
        )
    if len(text) - most > strays_borne(len(text)):
        row = int((_matches(text, layout).not_()).arg_max() or 0)
        raise CandleFileRefused(
            f"the times are in more than one format: {most:,} of {len(text):,} are {layout.name}, "
            f"{text[row]!r} in row {row + 1} is not; write them all in one"
        )
    return layout


def _matches(text: pl.Series, layout: _Layout) -> pl.Series:
    return text.str.contains(layout.pattern).fill_null(value=False)


def _from_text(text: pl.Series, layout: _Layout) -> _Stamps:
    if layout.kind == "epoch":
        matching = pl.select(pl.when(_matches(text, layout)).then(text)).to_series()
        is_whole = matching.str.contains(r"^\d+$").all()
        return _from_numbers(
            matching.cast(pl.Int64 if is_whole else pl.Float64, strict=False).alias(text.name)
        )
    zone = "UTC" if layout.kind == "aware" else None
    try:
        stamps = text.str.strptime(pl.Datetime("us", zone), layout.strptime, strict=False)
    except pl.exceptions.PolarsError as error:
        said = str(error).splitlines()[0]
        raise CandleFileRefused(f"the times cannot be read ({said}); {_EXAMPLE}") from error
    offset = _offset(text.filter(stamps.is_not_null())) if layout.kind == "aware" else ""
    return _Stamps(stamps.to_physical(), layout.kind, layout.name, offset)


def _offset(text: pl.Series) -> str:
    """Name the offset that the texts end with, or say that there are several."""
    offsets = text.str.extract(r"([+-]\d{2}:?\d{2})$").unique().to_list()
    if len(offsets) > 1:
        return "several offsets, one per row"
    return "UTC" if not offsets or offsets[0] in ("+00:00", "+0000", None) else f"UTC{offsets[0]}"
