"""Candles of real markets, for what must hold outside of made-up ones too."""

import gzip
from functools import cache

import numpy as np
import polars as pl

from apps.strategies.domain.candles import OPEN_AT_DTYPE, Candles
from tests.marketdata.shared_files import shared_file

EURUSD = "reference/smc_eurusd_15m/EURUSD_15M.csv.gz"


@cache
def bybit_candles(coin: str) -> Candles:
    """86,604 bars of five minutes of a linear perpetual."""
    path = shared_file(f"bybit/{coin}USDT_linear_5m_20250924_20260721.feather")
    frame = pl.read_ipc(path)
    times = frame["date"].dt.replace_time_zone(None).to_numpy().astype(OPEN_AT_DTYPE)
    columns = (frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    return Candles(times, *columns, bar_seconds=300)


@cache
def eurusd_candles() -> Candles:
    """24,424 bars of fifteen minutes, with weekends."""
    frame = pl.read_csv(gzip.decompress(shared_file(EURUSD).read_bytes()))
    times = frame["Date"].str.to_datetime("%Y.%m.%d %H:%M:%S").to_numpy()
    columns = (
        frame[name].cast(pl.Float64).to_numpy()
        for name in ("Open", "High", "Low", "Close", "Tickvol")
    )
    return Candles(times.astype(OPEN_AT_DTYPE), *columns, bar_seconds=900)


def reference_column(file: str, name: str) -> np.ndarray:
    """Read one column of what the package made of these bars; empty cells are NaN."""
    path = shared_file(f"reference/smc_eurusd_15m/{file}")
    frame = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema_length=None)
    return frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
