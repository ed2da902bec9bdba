"""Loads bars, funding rates and the facts of instruments for a backtest, from files alone."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from apps.backtesting.domain.layout import Floats
from apps.backtesting.domain.terms import BacktestRefused, FundingRates, InstrumentTerms
from apps.marketdata.catalogue import CATALOGUE
from apps.marketdata.domain.errors import UnknownInstrument
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.importers import ReadOptions, candle_arrays_read
from apps.strategies.domain.candles import Candles, Times

_TIMES = ("date", "timestamp", "time", "datetime", "funding_time")
_RATES = ("funding_rate", "rate", "fundingRate", "open")
_MILLISECONDS = 10**11
"""Whole numbers from here on are milliseconds since 1970, below they are seconds."""


def instrument_terms(*, symbol: str, leverage: Decimal = Decimal(1)) -> InstrumentTerms:
    """Return an instrument's steps from the catalogue, without a database.

    Args:
        leverage: 10 ties up a tenth of the notional.

    Raises:
        UnknownInstrument: It is not in the catalogue.
        BacktestRefused: The leverage is below 1.
    """
    if leverage < 1:
        raise BacktestRefused(f"leverage must be 1 or more, was {leverage}")
    entry = CATALOGUE.get(symbol)
    if entry is None:
        raise UnknownInstrument(
            f"there is no instrument {symbol!r} in the catalogue; known are "
            f"{', '.join(sorted(CATALOGUE))}"
        )
    return InstrumentTerms(
        symbol=symbol,
        tick_size=entry.tick_size,
        lot_size=entry.lot_size,
        initial_margin_ratio=1 / leverage,
        minimum_notional=entry.minimum_notional,
    )


def candles_load(
    *, path: Path, symbol: str, timeframe: str, timezone: str | None = None
) -> tuple[Candles, str]:
    """Read a file of bars.

    Args:
        timezone: Of times that are written without offset; None: the file must show it.

    Returns:
        The good bars, and a sentence on the rows that were left out; empty where there are none.

    Raises:
        CandleFileRefused: The file cannot be read for certain.
    """
    calendar = CATALOGUE[symbol].calendar if symbol in CATALOGUE else "24/7"
    read = candle_arrays_read(
        path=path,
        timeframe=timeframe,
        instrument_calendar=calendar,
        options=ReadOptions(timezone=timezone),
    )
    note = ""
    if read.quarantined:
        note = (
            f"{read.quarantined} rows of {path.name} are unusable and left out, the first because "
            f"{read.first_reason or 'its time cannot be read'}"
        )
    candles = Candles(
        read.open_at,
        *(read.open, read.high, read.low, read.close, read.volume),
        bar_seconds=Timeframe(timeframe).seconds,
    )
    return candles, note


def candles_between(
    candles: Candles, *, start: datetime | None = None, end: datetime | None = None
) -> Candles:
    """Return the bars that open from ``start`` on and before ``end``; None is no bound.

    Raises:
        BacktestRefused: There are none.
    """
    first, last = 0, len(candles)
    if start is not None:
        first = int(np.searchsorted(candles.open_at, _naive(start)))
    if end is not None:
        last = int(np.searchsorted(candles.open_at, _naive(end)))
    if first >= last:
        raise BacktestRefused(
            "no bar of the file opens in the time asked for; it has bars from "
            f"{candles.open_at[0]} to {candles.open_at[-1]} UTC"
        )
    return candles.window(first, last)


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def funding_load(*, path: Path) -> FundingRates:
    """Read a file of funding rates: a column of times and one of rates.

    Raises:
        BacktestRefused: There is no such file, or the columns are not found in it.
    """
    times, rates = _series(path, _RATES)
    if not np.isfinite(rates).all():
        row = int(np.argmax(~np.isfinite(rates)))
        raise BacktestRefused(
            f"{path} has no rate at row {row + 1}; every funding payment needs one"
        )
    return FundingRates(paid_at=times, rate=rates)


def marks_load(*, path: Path, funding: FundingRates) -> FundingRates:
    """Add mark prices, from the open column of a file of mark price bars, to funding rates.

    A payment whose moment the file does not hold keeps the open of the traded bar.

    Raises:
        BacktestRefused: There is no such file, or the columns are not found in it.
    """
    times, opens = _series(path, ("open",))
    places = np.searchsorted(times, funding.paid_at)
    inside = np.minimum(places, len(times) - 1)
    marks = np.where(times[inside] == funding.paid_at, opens[inside], np.nan)
    return replace(funding, mark=marks)


def _series(path: Path, names: tuple[str, ...]) -> tuple[Times, Floats]:
    """Read times and numbers of a file, oldest first."""
    frame = _frame(path)
    time_name = next((name for name in _TIMES if name in frame.columns), None)
    name = next((name for name in names if name in frame.columns), None)
    if time_name is None or name is None:
        raise BacktestRefused(
            f"{path} needs a column of times ({', '.join(_TIMES)}) and one of {', '.join(names)}; "
            f"it has {', '.join(frame.columns)}"
        )
    times = _moments(frame[time_name], path)
    values = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    order = np.argsort(times, kind="stable")
    return times[order], np.asarray(values, dtype=np.float64)[order]


def _frame(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise BacktestRefused(f"there is no file {path}; give one with times and rates")
    try:
        if path.suffix == ".feather":
            return pl.read_ipc(path)
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BacktestRefused(f"{path} cannot be read: {error}") from error


def _moments(column: pl.Series, path: Path) -> Times:
    try:
        if column.dtype == pl.String:
            column = column.str.to_datetime(time_unit="us", time_zone="UTC")
        elif column.dtype.is_numeric():
            scale = 1_000 if int(column.max() or 0) >= _MILLISECONDS else 1_000_000  # type: ignore[arg-type]
            return (column.cast(pl.Int64).to_numpy() * scale).astype("datetime64[us]")
        return column.dt.replace_time_zone(None).dt.cast_time_unit("us").to_numpy()
    except pl.exceptions.PolarsError as error:
        raise BacktestRefused(f"the times of {path} cannot be read: {error}") from error
