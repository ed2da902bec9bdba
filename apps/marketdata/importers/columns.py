"""Finds which column holds what, and reads prices exactly as they were written."""

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.marketdata.domain.errors import CandleFileRefused
from apps.marketdata.importers.strays import strays_borne

# In order of preference: a bhavcopy has both Date and DATE1, both CLOSE_PRICE and LAST_PRICE
ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        *("timestamp", "datetime", "date_time", "open_time", "opentime", "open_at", "date"),
        *("time", "start_time", "start", "candle_time", "ts", "t", "date1"),
        *("index", "index_level_0", "unnamed_0", ""),  # how pandas leaves its index behind
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
        time = " + ".join(name or "(the column without a name)" for name in self.time)
        return {"time": time, **prices, "volume": self.volume}


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
    found: dict[str, str | None] = {
        field: _stated(frame, field, stated[field]) if field in stated else _by_alias(plain, field)
        for field in ("open", "high", "low", "close", "volume")
    }
    time = (_stated(frame, "time", stated["time"]),) if "time" in stated else _time_columns(plain)
    missing = [field for field in ("open", "high", "low", "close") if found[field] is None]
    if not time or missing:
        raise CandleFileRefused(_missing(frame, [*missing, *([] if time else ["time"])]))
    _require_one_instrument(frame, plain)
    return ColumnMap(
        time=time,
        open=found["open"] or "",
        high=found["high"] or "",
        low=found["low"] or "",
        close=found["close"] or "",
        volume=found["volume"],
    )


def number_column(frame: pl.DataFrame, name: str) -> NumberColumn:
    """Read a column of numbers; what is none becomes NaN, and is judged with its row later.

    Raises:
        CandleFileRefused: So much of it is text that it is no column of numbers.
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
    is_strange = (is_number | series.str.contains(_NOT_FINITE).fill_null(value=True)).not_()
    if is_strange.sum() > strays_borne(len(series)):
        first = is_strange.arg_max() or 0
        raise CandleFileRefused(
            f"column {name} holds {is_strange.sum():,} values that are not numbers, the first is "
            f"{series[first][:60]!r} in row {first + 1}; expected plain numbers such as 1234.50, "
            "without separators of thousands and with a decimal point"
        )
    floats = series.set(is_number.not_(), "NaN").cast(pl.Float64).to_numpy()
    return NumberColumn(series, np.asarray(floats, dtype=np.float64))


def _plain_names(columns: list[str]) -> dict[str, list[str]]:
    """Return the columns by their names in lower case with single underscores."""
    plain: dict[str, list[str]] = {}
    for column in columns:
        name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_").removesuffix("_utc")
        plain.setdefault(name, []).append(column)
    return plain


def _stated(frame: pl.DataFrame, field: str, name: str) -> str:
    if name not in frame.columns:
        raise CandleFileRefused(
            f"there is no column {name!r} for {field}; the file has {', '.join(frame.columns[:20])}"
        )
    return name


def _by_alias(plain: dict[str, list[str]], field: str) -> str | None:
    name = next((alias for alias in ALIASES[field] if alias in plain), None)
    if name is None:
        return None
    if len(plain[name]) > 1:
        raise CandleFileRefused(
            f"the columns {' and '.join(map(repr, plain[name]))} both look like {field}; say which "
            f"to take, as in --column {field}='{plain[name][0]}'"
        )
    return plain[name][0]


def _time_columns(plain: dict[str, list[str]]) -> tuple[str, ...]:
    if len(plain.get("date", ())) == len(plain.get("time", ())) == 1:
        return plain["date"][0], plain["time"][0]
    column = _by_alias(plain, "time")
    return () if column is None else (column,)


def _missing(frame: pl.DataFrame, fields: list[str]) -> str:
    values = sum(re.match(_NUMBER, name.strip()) is not None for name in frame.columns)
    if values > 2:
        return (
            f"the first line ({', '.join(frame.columns[:8])}) holds values instead of names; "
            "put a line such as timestamp,open,high,low,close,volume before it"
        )
    return (
        f"no column for {', '.join(fields)} was found among {', '.join(frame.columns[:20])}; "
        "expected a first line with names such as timestamp,open,high,low,close,volume. "
        "Name them with --column, as in --column close=LAST_PRICE."
    )


def _require_one_instrument(frame: pl.DataFrame, plain: dict[str, list[str]]) -> None:
    for column in (column for name in _INSTRUMENT_NAMES for column in plain.get(name, ())):
        if frame[column].dtype != pl.String:
            continue
        found = frame[column].str.strip_chars().drop_nulls().unique(maintain_order=True).to_list()
        if len(found) > 1:
            raise CandleFileRefused(
                f"column {column} names {len(found)} instruments ({', '.join(found[:5])}); "
                "import one instrument at a time, from a file of its own"
            )
