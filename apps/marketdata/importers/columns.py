"""Finds which column holds what, and reads prices exactly as they were written."""

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.marketdata.domain.errors import CandleFileRefused

# In order of preference: a bhavcopy has both Date and DATE1, both CLOSE_PRICE and LAST_PRICE
ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        *("timestamp", "datetime", "date_time", "open_time", "opentime", "open_at", "date"),
        *("time", "start_time", "start", "candle_time", "ts", "t", "date1"),
    ),
    "open": ("open", "open_price", "o"),
    "high": ("high", "high_price", "h"),
    "low": ("low", "low_price", "l"),
    "close": ("close", "close_price", "c"),
    "volume": (
        *("volume", "vol", "v", "base_volume", "ttl_trd_qnty", "tottrdqty"),
        *("total_traded_quantity", "traded_quantity"),
    ),
}
_INSTRUMENT_NAMES = ("symbol", "instrument", "ticker", "series", "tradingsymbol")
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_NOT_FINITE = r"(?i)^([+-]?(nan|inf|infinity)|null|none|n/a|-|)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """The file's own name for each field; volume may be missing.

    Attributes:
        time: One column, or the date and the time of day.
    """

    time: tuple[str, ...]
    open: str
    high: str
    low: str
    close: str
    volume: str | None

    def described(self) -> dict[str, str | None]:
        """Return the mapping for the report."""
        prices = {name: getattr(self, name) for name in ("open", "high", "low", "close")}
        return {"time": " + ".join(self.time), **prices, "volume": self.volume}


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column as floats to judge by, and as exact decimals to store."""

    series: pl.Series
    floats: NDArray[np.float64]

    def decimals(self, indices: NDArray[np.int64]) -> list[Decimal]:
        """Return the values of some rows: text as written, floats by their shortest form."""
        chosen = self.series.gather(indices)
        if chosen.dtype == pl.Float32:
            return [Decimal(str(value)) for value in chosen.to_numpy()]
        if chosen.dtype == pl.Float64:
            return [Decimal(repr(value)) for value in chosen.to_list()]
        return [Decimal(value) for value in chosen.to_list()]


def columns_find(frame: pl.DataFrame, *, stated: dict[str, str]) -> ColumnMap:
    """Find the columns by their usual names; what is stated goes before.

    Raises:
        CandleFileRefused: A column is missing, or the file holds several instruments.
    """
    plain = _plain_names(frame.columns)
    chosen = {field: _stated(frame, field, name) for field, name in stated.items()}
    for field in ("open", "high", "low", "close", "volume"):
        chosen.setdefault(field, _by_alias(plain, field))
    time = (chosen["time"],) if chosen.get("time") else _time_columns(plain)
    missing = [field for field in ("open", "high", "low", "close") if chosen[field] is None]
    if not time or missing:
        raise CandleFileRefused(_missing(frame, [*missing, *([] if time else ["time"])]))
    _require_one_instrument(frame, plain)
    return ColumnMap(
        time=tuple(name for name in time if name),
        open=chosen["open"] or "",
        high=chosen["high"] or "",
        low=chosen["low"] or "",
        close=chosen["close"] or "",
        volume=chosen["volume"],
    )


def number_column(frame: pl.DataFrame, name: str) -> NumberColumn:
    """Read a column of numbers; an empty or infinite one becomes NaN and is judged later.

    Raises:
        CandleFileRefused: Text stands where a number must.
    """
    series = frame[name]
    if series.dtype == pl.String:
        return _from_text(series.str.strip_chars(), name)
    if not series.dtype.is_numeric():
        raise CandleFileRefused(
            f"column {name} holds {series.dtype}, not numbers; name the right one, "
            "as in --column close=LAST_PRICE"
        )
    floats = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return NumberColumn(series, np.asarray(floats, dtype=np.float64))


def _from_text(series: pl.Series, name: str) -> NumberColumn:
    is_number = series.str.contains(_NUMBER).fill_null(value=False)
    is_known = is_number | series.str.contains(_NOT_FINITE).fill_null(value=True)
    wrong = is_known.not_().arg_max() or 0
    if not is_known.all():
        raise CandleFileRefused(
            f"column {name} holds {series[wrong]!r} in row {wrong + 1}, which is not a number; "
            "expected a plain number such as 1234.50 without separators of thousands"
        )
    floats = series.set(is_number.not_(), "NaN").cast(pl.Float64).to_numpy()
    return NumberColumn(series, np.asarray(floats, dtype=np.float64))


def _plain_names(columns: list[str]) -> dict[str, str]:
    """Return the columns by their names in lower case with single underscores."""
    plain: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
        name = name.removesuffix("_utc") if name.endswith("_utc") else name
        if name in plain and any(name in aliases for aliases in ALIASES.values()):
            raise CandleFileRefused(
                f"the columns {plain[name]!r} and {column!r} both look like {name}; "
                "say which to take, as in --column close=LAST_PRICE, after renaming one"
            )
        plain.setdefault(name, column)
    return plain


def _stated(frame: pl.DataFrame, field: str, name: str) -> str | None:
    if name not in frame.columns:
        raise CandleFileRefused(
            f"there is no column {name!r} for {field}; the file has {', '.join(frame.columns)}"
        )
    return name


def _by_alias(plain: dict[str, str], field: str) -> str | None:
    return next((plain[alias] for alias in ALIASES[field] if alias in plain), None)


def _time_columns(plain: dict[str, str]) -> tuple[str, ...]:
    if "date" in plain and "time" in plain:
        return plain["date"], plain["time"]
    column = _by_alias(plain, "time")
    return (column,) if column else ()


def _missing(frame: pl.DataFrame, fields: list[str]) -> str:
    return (
        f"no column for {', '.join(fields)} was found among {', '.join(frame.columns[:20])}; "
        "expected a first line with names such as timestamp,open,high,low,close,volume. "
        "Name them with --column, as in --column close=LAST_PRICE."
    )


def _require_one_instrument(frame: pl.DataFrame, plain: dict[str, str]) -> None:
    for name in _INSTRUMENT_NAMES:
        if name not in plain or frame[plain[name]].dtype != pl.String:
            continue
        found = frame[plain[name]].str.strip_chars().unique(maintain_order=True).to_list()
        if len(found) > 1:
            raise CandleFileRefused(
                f"column {plain[name]} names {len(found)} instruments "
                f"({', '.join(str(value) for value in found[:5])}); "
                "import one instrument at a time, from a file of its own"
            )
