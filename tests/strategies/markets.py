"""Candles to ask strategies about."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from apps.marketdata.domain.generator import generated_bars
from apps.marketdata.domain.types import Bar
from apps.strategies.domain.candles import OPEN_AT_DTYPE, Candles

START = datetime(2026, 3, 2, tzinfo=UTC)


def bars(count: int, *, seed: int = 5) -> list[Bar]:
    return generated_bars(
        seed=seed,
        start_at=START,
        timeframe="5m",
        first=0,
        count=count,
        tick_size=Decimal("0.1"),
        initial_price=Decimal(2400),
    )


def candles(count: int, *, seed: int = 5) -> Candles:
    return Candles.from_bars(bars(count, seed=seed))


def candles_of(*closes: float) -> Candles:
    """Bars that hold nothing but their close."""
    prices = np.array(closes, dtype=np.float64)
    times = np.datetime64("2026-03-02", "us") + np.arange(len(closes)) * np.timedelta64(5, "m")
    return Candles(times.astype(OPEN_AT_DTYPE), prices, prices, prices, prices, prices)


def bar_at(minutes: int, close: str = "100") -> Bar:
    opened, price = START + timedelta(minutes=minutes), Decimal(close)
    return Bar(
        open_at=opened,
        close_at=opened + timedelta(minutes=5),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(1),
    )
