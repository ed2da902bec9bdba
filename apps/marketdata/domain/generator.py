"""Makes a market out of a seed, so that the demo trades without a venue and tests repeat exactly.

The price is a path through anchors. The anchor at the edge of each block of bars is a function of
(seed, block) alone, and the bars between two anchors are drawn from (seed, block): so any bar can
be made without the ones before it, and neighbouring blocks still meet.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BLOCK_BARS = 256
_OCTAVES = 10  # the longest wave spans 2**9 blocks, about 131,000 bars
_MINUTE_VOLATILITY = 0.0009  # standard deviation of the log return of one calm minute
_NOTIONAL_PER_MINUTE = 200_000.0  # traded in quote currency, on average
_ANCHOR_STREAM, _BARS_STREAM = 1, 2


@dataclass(frozen=True, slots=True)
class _Market:
    seed: int
    seconds: int
    tick_size: Decimal
    initial_price: Decimal

    @property
    def volatility(self) -> float:
        return _MINUTE_VOLATILITY * float(np.sqrt(self.seconds / 60))


@dataclass(frozen=True, slots=True)
class _Block:
    """Prices in ticks and volumes in thousandths, each (BLOCK_BARS,) int64, oldest first."""

    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Integers


def generated_bars(
    *,
    seed: int,
    start_at: datetime,
    timeframe: str,
    first: int,
    count: int,
    tick_size: Decimal,
    initial_price: Decimal,
) -> list[Bar]:
    """Return ``count`` bars from number ``first`` on; the same arguments give the same bars.

    Args:
        start_at: Open time of bar 0 (aware).
        first: Number of the first bar wanted, zero or more.
        tick_size: Every price is a multiple of it.
        initial_price: Where bar 0 opens, in quote currency, rounded to the tick.

    Raises:
        ValueError: A number is out of range.
    """
    if seed < 0 or first < 0 or count < 0:
        raise ValueError(f"seed {seed}, first {first} and count {count} must not be negative")
    if tick_size <= 0 or initial_price < 100 * tick_size:
        raise ValueError(
            f"the initial price {initial_price} must be at least 100 ticks of {tick_size}"
        )
    length = Timeframe(timeframe)
    market = _Market(seed, length.seconds, tick_size, initial_price)
    bars = []
    for number in range(first, first + count):
        block, offset = divmod(number, BLOCK_BARS)
        bars.append(_bar(market, _block(market, block), offset, start_at + number * length.delta))
    return bars


def _bar(market: _Market, block: _Block, offset: int, open_at: datetime) -> Bar:
    tick = market.tick_size
    return Bar(
        open_at=open_at,
        close_at=open_at + Timeframe.M1.delta * (market.seconds // 60),
        open=int(block.open[offset]) * tick,
        high=int(block.high[offset]) * tick,
        low=int(block.low[offset]) * tick,
        close=int(block.close[offset]) * tick,
        volume=Decimal(int(block.volume[offset])).scaleb(-3),
    )


@lru_cache(maxsize=64)
def _block(market: _Market, number: int) -> _Block:
    generator = np.random.default_rng([market.seed, _BARS_STREAM, number])
    volatility = _volatility(generator, market.volatility, *_storminess(market, number))
    path = _path(generator, volatility, _anchor(market, number), _anchor(market, number + 1))
    tick = float(market.tick_size)
    edges = np.maximum(np.rint(float(market.initial_price) * np.exp(path) / tick), 2)
    opens, closes = edges[:-1], edges[1:]
    wicks = np.abs(generator.standard_normal((2, BLOCK_BARS))) * 0.6 * volatility
    highs = np.ceil(np.maximum(opens, closes) * np.exp(wicks[0]))
    lows = np.maximum(np.floor(np.minimum(opens, closes) * np.exp(-wicks[1])), 1)
    volumes = _volumes(generator, market, volatility, np.diff(path))
    return _Block(*(_integers(column) for column in (opens, highs, lows, closes, volumes)))


def _integers(column: Floats) -> Integers:
    return np.rint(column).astype(np.int64)


@lru_cache(maxsize=4096)
def _lattice(seed: int, octave: int, index: int) -> tuple[float, float]:
    """Return two standard normal numbers that belong to one point of the noise lattice."""
    pair = np.random.default_rng([seed, _ANCHOR_STREAM, octave, index]).standard_normal(2)
    return float(pair[0]), float(pair[1])


def _noise(seed: int, octave: int, block: int, channel: int) -> float:
    """Interpolate between the lattice points around ``block``, smoothly and without memory."""
    index, within = divmod(block, 2**octave)
    weight = (1 - np.cos(np.pi * within / 2**octave)) / 2
    before = _lattice(seed, octave, index)[channel]
    after = _lattice(seed, octave, index + 1)[channel]
    return float(before * (1 - weight) + after * weight)


def _anchor(market: _Market, block: int) -> float:
    """Return the log price, relative to the initial one, at the open of a block."""
    scale = 0.5 * market.volatility * np.sqrt(BLOCK_BARS)
    return float(
        sum(
            scale
            * 2 ** (octave / 2)
            * (_noise(market.seed, octave, block, 0) - _noise(market.seed, octave, 0, 0))
            for octave in range(_OCTAVES)
        )
    )


def _storminess(market: _Market, block: int) -> tuple[float, float]:
    """Return the log of the volatility's level at both edges of a block: the slow clusters."""
    before, after = (
        0.35 * (_noise(market.seed, 1, edge, 1) + _noise(market.seed, 4, edge, 1))
        for edge in (block, block + 1)
    )
    return before, after


def _volatility(
    generator: np.random.Generator, level: float, before: float, after: float
) -> Floats:
    """Return the standard deviation of each bar's return: a GARCH(1,1) on a moving level."""
    slow = level * np.exp(np.linspace(before, after, BLOCK_BARS))
    shocks = generator.standard_normal(BLOCK_BARS) ** 2
    ratio, ratios = 1.0, np.empty(BLOCK_BARS)
    for number, shock in enumerate(shocks):
        ratios[number] = ratio
        ratio = 0.1 + 0.12 * ratio * shock + 0.78 * ratio
    return np.asarray(slow * np.sqrt(ratios), dtype=np.float64)


def _path(
    generator: np.random.Generator, volatility: Floats, before: float, after: float
) -> Floats:
    """Return (BLOCK_BARS + 1,) log prices that start and end at the anchors."""
    is_range = generator.random() < 0.75
    noise = _wandering(generator, volatility, pull=0.3 if is_range else 0.0)
    time = np.linspace(0, 1, BLOCK_BARS + 1)
    noise -= time * noise[-1]
    if not is_range:
        leg = generator.choice((-1, 1)) * generator.uniform(12, 30) * volatility.mean()
        noise += leg * np.sin(np.pi * time)
    noise += _sweeps(generator, volatility)
    return np.asarray(before + (after - before) * time + noise, dtype=np.float64)


def _wandering(generator: np.random.Generator, volatility: Floats, pull: float) -> Floats:
    """Return a walk from zero with rare jumps; ``pull`` draws it back by that part each bar."""
    returns = volatility * generator.standard_normal(BLOCK_BARS)
    jumps = generator.random(BLOCK_BARS) < 1 / 400
    returns += jumps * volatility * generator.standard_t(4, BLOCK_BARS) * 3
    walk = np.zeros(BLOCK_BARS + 1)
    for number, step in enumerate(returns):
        walk[number + 1] = walk[number] * (1 - pull) + step
    return walk


def _sweeps(generator: np.random.Generator, volatility: Floats) -> Floats:
    """Return sharp runs of a few bars that fade again: what mean-reverting strategies trade."""
    sweeps = np.zeros(BLOCK_BARS + 1)
    start = int(generator.integers(5, 40))
    while start < BLOCK_BARS - 40:
        rise = int(generator.integers(2, 4))
        size = generator.choice((-1, 1)) * generator.uniform(7, 12) * volatility[start]
        fade = generator.uniform(4, 10)
        after = np.arange(1, BLOCK_BARS + 1 - start)
        shape = np.minimum(after / rise, 1) * np.exp(-np.maximum(after - rise, 0) / fade)
        sweeps[start + 1 :] += size * shape
        start += int(generator.integers(24, 50))
    return sweeps * np.minimum(np.arange(BLOCK_BARS, -1, -1) / 10, 1)


def _volumes(
    generator: np.random.Generator, market: _Market, volatility: Floats, returns: Floats
) -> Floats:
    """Return thousandths of a unit traded: more when the price moves and in a storm."""
    base = _NOTIONAL_PER_MINUTE * market.seconds / 60 / float(market.initial_price)
    activity = 0.5 + 0.6 * np.abs(returns) / volatility + 0.4 * volatility / market.volatility
    chance = np.exp(generator.normal(0, 0.4, BLOCK_BARS))
    return np.asarray(np.maximum(base * activity * chance * 1000, 1), dtype=np.float64)
