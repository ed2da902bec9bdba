"""How fast a backtest of a million bars is, beside a bare loop that knows one strategy alone.

SMA 20 over SMA 50, long or flat, next open, fee of 0.1 %, fixed quantity, minutes of a seed.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import numba
import numpy as np
import polars as pl
import pytest

from apps.backtesting.domain.run import BacktestRun, backtest_run
from apps.backtesting.domain.terms import FundingRates, History, InstrumentTerms, TradingTerms
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import signals_over
from apps.strategies.library.moving_average_cross import (
    MovingAverageCross,
    MovingAverageCrossParameters,
)

BARS = 1_000_000
TERMS = TradingTerms(
    cash=Decimal(10_000_000),
    fee_bps=Decimal(10),
    sizing_method="FIXED_QUANTITY",
    sizing_value=Decimal(1),
)


def seeded(count: int) -> Candles:
    random = np.random.default_rng(7)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.0005, count))), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    reach = np.round(np.abs(random.normal(0, 0.03, count)), 2)
    return Candles(
        np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "m"),
        opened,
        np.round(np.maximum(opened, close) + reach, 2),
        np.maximum(np.round(np.minimum(opened, close) - reach, 2), 0.01),
        close,
        np.full(count, 1000.0),
        bar_seconds=60,
    )


def strategy(fast: int = 20, slow: int = 50, **more: Any) -> MovingAverageCross:
    return MovingAverageCross(
        MovingAverageCrossParameters(fast=fast, slow=slow, direction="long_only", **more)
    )


def history(candles: Candles, **more: Any) -> History:
    terms = InstrumentTerms(symbol="T:X", tick_size=Decimal("0.01"), lot_size=Decimal(1))
    return History(terms=terms, candles=candles, **more)


@numba.njit(cache=True)
def bare_loop(
    opened: Any, close: Any, fast: int, slow: int, cash: float, fee: float
) -> tuple[float, int]:
    """Keep two running sums and one position: what a program for this strategy alone needs."""
    quick, heavy, held, wanted, before, entries = 0.0, 0.0, 0.0, 0, 0, 0
    for n in range(len(close)):
        if wanted == 1 and held == 0:
            cash -= opened[n] * (1 + fee)
            held, entries = 1.0, entries + 1
        elif wanted == -1 and held == 1:
            cash += opened[n] * (1 - fee)
            held = 0.0
        wanted = 0
        quick += close[n] - (close[n - fast] if n >= fast else 0.0)
        heavy += close[n] - (close[n - slow] if n >= slow else 0.0)
        if n >= slow - 1:
            gap = quick / fast - heavy / slow
            side = 0 if abs(gap) <= 1e-9 else (1 if gap > 0 else -1)
            if n >= slow and side != before and side != 0:
                wanted = side
            before = side
    return cash + held * close[-1], entries


def best_of(count: int, work: Callable[[], Any]) -> tuple[float, Any]:
    seconds, answer = [], None
    for _ in range(count):
        started = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - started)
    return min(seconds), answer


def rate(label: str, seconds: float, beside: float) -> None:
    print(
        f"{label:58} {seconds * 1e3:8.1f} ms {BARS / seconds / 1e6:8.1f} M bars/s "
        f"{seconds / beside:6.1f} x the bare loop"
    )


def test_speed_of_one_run_beside_a_bare_loop() -> None:
    candles = seeded(BARS)
    plain, funded = history(candles), history(candles, funding=funding_of(candles))
    one: BacktestRun = backtest_run(strategy=strategy(), histories=[plain], terms=TERMS)
    bare, (equity, entries) = best_of(
        5, lambda: bare_loop(candles.open, candles.close, 20, 50, 1e7, 0.001)
    )
    bare, _ = best_of(5, lambda: bare_loop(candles.open, candles.close, 20, 50, 1e7, 0.001))
    print(
        f"\n{entries} entries in the bare loop, {len(one.trades.side)} in ours; "
        f"final equity {equity:.4f} and {one.equity[-1]:.4f}"
    )
    assert entries == len(one.trades.side)
    assert one.equity[-1] == pytest.approx(equity, abs=1e-4)
    rate("bare Numba loop, averages included", bare, bare)
    signals, _ = best_of(5, lambda: signals_over(strategy(), candles))
    rate("the strategy's signals alone, in NumPy", signals, bare)
    whole, _ = best_of(5, lambda: backtest_run(strategy=strategy(), histories=[plain], terms=TERMS))
    rate("backtest: signals, loop, trades", whole, bare)
    rate("of that the loop and trades", whole - signals, bare)
    stops = strategy(stop_loss_ratio=0.004, take_profit_ratio=0.006)
    full, run = best_of(5, lambda: backtest_run(strategy=stops, histories=[funded], terms=TERMS))
    rate(f"with stops, targets and funding ({len(run.fill_keys)} fills)", full, bare)


def funding_of(candles: Candles) -> FundingRates:
    paid_at = candles.open_at[:: 8 * 60]
    return FundingRates(paid_at=paid_at, rate=np.full(len(paid_at), 0.0001))


def test_sweep_of_a_hundred_parameter_sets_on_two_cores() -> None:
    plain = history(seeded(BARS))
    sets = [strategy(fast, slow) for fast in range(5, 25, 2) for slow in range(30, 130, 10)]
    assert len(sets) == 100

    def one(each: MovingAverageCross) -> float:
        return float(backtest_run(strategy=each, histories=[plain], terms=TERMS).equity[-1])

    one(sets[0])
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, sets))
    print(
        f"\n100 parameter sets on {BARS:,} bars, two threads: {time.perf_counter() - started:.2f} s"
    )


MEMORY = """
import resource
import numpy, numba, talib
from tests.performance.test_backtest_speed import *
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small = history(seeded(1000))
backtest_run(strategy=strategy(), histories=[small], terms=TERMS)
loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open('/proc/self/clear_refs', 'w') as file:
    file.write('5')
candles = seeded_quietly(BARS)
def now():
    return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])
held = now()
with open('/proc/self/clear_refs', 'w') as file:
    file.write('5')
run = backtest_run(strategy=strategy(), histories=[history(candles)], terms=TERMS)
peak = int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])
print(loaded, held, peak)
"""


def seeded_quietly(count: int) -> Candles:
    """Make bars without leaving freed memory about that a peak could hide in."""
    columns = [np.full(count, 100.0) for _ in range(5)]
    columns[3][:] = 100.0 + np.tile(np.repeat([0.0, 1.0], 50), count // 100)
    np.maximum(columns[0], columns[3], out=columns[1])
    times = np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "m")
    opened, high, low, close, volume = columns
    return Candles(times, opened, high, low, close, volume, bar_seconds=60)


def test_peak_memory_beside_the_input_arrays() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    loaded, held, peak = map(int, ended.stdout.split())
    arrays = 6 * 8 * BARS / 1024
    print(
        f"\ninterpreter with libraries {loaded / 1024:.0f} MB, input arrays {arrays / 1024:.0f} "
        f"MB, with them {held / 1024:.0f} MB, peak of the run {peak / 1024:.0f} MB: "
        f"{(peak - held + arrays) / arrays:.2f} x the input arrays beside the interpreter"
    )


def test_command_to_first_result(tmp_path: Path) -> None:
    candles, path = seeded(BARS), tmp_path / "bars.parquet"
    names = ("open", "high", "low", "close", "volume")
    pl.DataFrame(
        {"date": candles.open_at, **{name: getattr(candles, name) for name in names}}
    ).with_columns(pl.col("date").dt.replace_time_zone("UTC")).write_parquet(path)
    command = [
        *(sys.executable, "manage.py", "backtest", "--strategy", "moving_average_cross"),
        *("--params", '{"fast": 20, "slow": 50, "direction": "long_only"}'),
        *("--instrument", "BYBIT:SOLUSDT.P", "--timeframe", "1m", "--candles", str(path)),
        *("--sizing", "FIXED_QUANTITY", "--size", "1", "--no-store"),
    ]
    subprocess.run(command, capture_output=True, check=True)
    seconds, ended = best_of(3, lambda: subprocess.run(command, capture_output=True, check=True))
    print(f"\n{ended.stdout.decode().splitlines()[0]}: {seconds:.2f} s from command to result")
    print(f"children's peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB")
