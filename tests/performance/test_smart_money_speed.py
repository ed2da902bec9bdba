"""How fast smart money concepts, indicators and regimes are read from a million bars.

Times are printed and never asserted: machines differ, and this one may be busy. The best of three
runs counts, after one that compiles or reads the cache of what was compiled.
"""

import time
from collections.abc import Callable

import numpy as np

from apps.strategies.domain.candles import OPEN_AT_DTYPE, Candles
from apps.strategies.domain.indicators import atr, average_range, sma, supertrend, vwap
from apps.strategies.domain.regimes import regimes_by_rule, regimes_hidden
from apps.strategies.smc import (
    KILL_ZONES,
    SESSIONS,
    breaks,
    dealing_range,
    displacement,
    fair_value_gaps,
    order_blocks,
    pools,
    previous_levels,
    session_state,
    smart_money,
    swings,
    trend,
)

BARS, RUNS = 1_000_000, 3


def million_minutes() -> Candles:
    """Draw a market of one-minute bars whose volatility comes and goes."""
    chance = np.random.default_rng(7)
    wave = 1 + 0.5 * np.sin(np.arange(BARS) / 5000)
    close = 60_000 * np.exp(np.cumsum(chance.normal(0, 0.0005 * wave)))
    opens = np.concatenate(([60_000.0], close[:-1]))
    above, below = np.abs(chance.normal(0, 0.0003 * wave, (2, BARS))) * close
    times = np.datetime64("2024-01-01", "us") + np.arange(BARS) * np.timedelta64(1, "m")
    return Candles(
        times.astype(OPEN_AT_DTYPE),
        opens,
        np.maximum(opens, close) + above,
        np.minimum(opens, close) - below,
        close,
        chance.exponential(10, BARS),
        bar_seconds=60,
    )


def test_smart_money_speed() -> None:
    market = million_minutes()
    turns = swings(market)
    broken = breaks(market, turns)
    parts: dict[str, Callable[[], object]] = {
        "all outputs together": lambda: smart_money(market),
        "swings": lambda: swings(market),
        "breaks (BOS, CHoCH)": lambda: breaks(market, turns),
        "trend": lambda: trend(broken, bars=BARS),
        "gaps and what fills them": lambda: fair_value_gaps(market),
        "order blocks and breakers": lambda: order_blocks(market, broken),
        "pools and sweeps": lambda: pools(market, turns),
        "dealing range": lambda: dealing_range(market, turns),
        "displacement": lambda: displacement(market),
        "nine sessions and kill zones": lambda: [
            session_state(market, each) for each in (*SESSIONS.values(), *KILL_ZONES.values())
        ],
        "day, week and month before": lambda: [
            previous_levels(market, period=period) for period in ("1d", "1w", "1M")
        ],
        "regimes by rule": lambda: regimes_by_rule(market),
        "hidden regimes of 100,000 bars, 396 fits": lambda: regimes_hidden(
            market.window(0, 100_000)
        ),
    }
    print(f"\n{BARS:,} bars: {len(turns):,} swings, {len(broken):,} breaks")
    for name, read in parts.items():
        line_print(name, read)


def test_indicator_speed() -> None:
    market = million_minutes()
    columns = (market.high, market.low, market.close)
    print(f"\n{BARS:,} bars")
    line_print("sma", lambda: sma(market.close, 20))
    line_print("atr", lambda: atr(*columns))
    line_print("average range", lambda: average_range(*columns))
    line_print("supertrend", lambda: supertrend(*columns))
    line_print("vwap of the day", lambda: vwap(market))


def line_print(name: str, read: Callable[[], object]) -> None:
    read()
    walls, cpus = [], []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        read()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(f"  {name:42} {min(walls):8.3f} s wall {min(cpus):8.3f} s CPU")
