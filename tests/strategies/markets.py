"""Candles to ask strategies about."""

from collections.abc import Sequence
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


def drawn(
    rows: Sequence[tuple[float, float, float, float]],
    *,
    start: str = "2026-03-02T00:00",
    minutes: int = 15,
) -> Candles:
    """Candles of open, high, low, close."""
    opens, highs, lows, closes = np.array(rows, dtype=np.float64).T.copy()
    times = np.datetime64(start, "us") + np.arange(len(rows)) * np.timedelta64(minutes, "m")
    volume = np.arange(1.0, len(rows) + 1)
    opened = times.astype(OPEN_AT_DTYPE)
    return Candles(opened, opens, highs, lows, closes, volume, bar_seconds=60 * minutes)


BLOCK = drawn(
    [
        (10, 11, 9, 10),
        (10, 14, 10, 13),  # swing high 14
        (13, 13, 11, 12),
        (12, 12.5, 10.5, 11),  # lowest candle of the way back: the block 10.5 to 12.5
        (11, 13, 11, 12.8),
        (12.8, 15, 12.7, 14.8),  # breaks
        (14.8, 15, 14, 14.5),
        (14.5, 14.5, 12.4, 13),  # touches
        (13, 13, 11.4, 12),  # half
        (12, 12, 10, 10.2),  # breaks the block: a breaker now
        (10.2, 11, 10, 10.8),  # comes back into it
        (10.8, 13, 10.5, 12.9),  # goes beyond: the breaker is over
    ]
)
"""A swing high, the way back with a block, the break, and what becomes of the block."""
