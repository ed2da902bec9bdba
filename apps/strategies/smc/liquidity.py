"""Liquidity: old and equal highs and lows, where stops are thought to rest, and who takes them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import NOT_YET, Facts, Integers
from apps.strategies.domain.indicators import average_range
from apps.strategies.smc.swings import Swings

SWEPT, RUN, JOINED = 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pools(Facts):
    """Liquidity pools in the order in which they became known; a further touch makes a new one.

    Attributes:
        side: ``int64``, 1 above highs (buy stops), -1 below lows (sell stops).
        level: ``float64``, the outermost of its swings, in quote currency.
        touches: ``int64``, of how many swings it is made: 1 an old high, 2 or more equal highs.
        first_bar, last_bar: ``int64``, its first and last swing.
        ended_at: ``int64``, the bar that ended it.
        ended_by: ``int64``, 1 swept: a bar went beyond and closed back inside; 2 run: it closed
            beyond; 3 joined: a further swing made a new pool of it; -1 not yet.
    """

    later: ClassVar[dict[str, str]] = {"ended_by": "ended_at"}

    side: Integers
    level: Floats
    touches: Integers
    first_bar: Integers
    last_bar: Integers
    ended_at: Integers
    ended_by: Integers


def pools(
    candles: Candles,
    found: Swings,
    *,
    memory: int = 500,
    tolerance_ranges: float = 0.1,
    range_period: int = 50,
) -> Pools:
    """Gather swings at nearly the same price, and see how they are taken.

    Args:
        candles: Bars, oldest first.
        found: What ``swings`` said of them.
        memory: Bars after its last swing for which a pool is watched and may be joined. How many
            touches it has can go further back; the rest is decided by twice the memory.
        tolerance_ranges: How far swings may lie apart, in average true ranges of the moment at
            which the later one is known.
        range_period: Bars of that average.

    Source: equal highs and lows as in LuxAlgo, Smart Money Concepts (TradingView, 2022), threshold
    in average ranges; sweep and run as in M. J. Huddleston (ICT), 2022 Mentorship.
    """
    widths = average_range(candles.high, candles.low, candles.close, range_period)
    return pools_within(candles, found, tolerance_ranges * widths, memory=memory)


def pools_within(candles: Candles, found: Swings, tolerance: Floats, *, memory: int = 500) -> Pools:
    """Do as ``pools`` does, with a tolerance for each bar in quote currency; NaN joins nothing."""
    count = len(found)
    level, touches, first = found.level.copy(), np.ones(count, np.int64), found.bar.copy()
    ended_at, ended_by = np.full(count, NOT_YET), np.full(count, NOT_YET)
    for side, reach in ((1, candles.high), (-1, -candles.low)):
        own = found.side == side
        answer = _gathered(
            (reach, side * candles.close),
            (found.known_at[own], found.bar[own], side * found.level[own]),
            tolerance,
            memory,
        )
        level[own], touches[own], first[own] = side * answer[0], answer[1], answer[2]
        ended_at[own], ended_by[own] = answer[3], answer[4]
    return Pools(
        known_at=found.known_at,
        side=found.side,
        level=level,
        touches=touches,
        first_bar=first,
        last_bar=found.bar,
        ended_at=ended_at,
        ended_by=ended_by,
    )


@compiled
def _gathered(
    prices: tuple[Floats, Floats],
    highs: tuple[Integers, Integers, Floats],
    tolerance: Floats,
    memory: int,
) -> tuple[Floats, Integers, Integers, Integers, Integers]:
    """Go through the bars with the pools above highs that are still there; lows come mirrored."""
    reach, close = prices
    known_at, last_bar, level = highs[0], highs[1], highs[2].copy()
    touches, first_bar = np.ones(len(level), dtype=np.int64), last_bar.copy()
    ended_at = np.full(len(level), -1, dtype=np.int64)
    ended_by = ended_at.copy()
    there = np.empty(len(level), dtype=np.int64)
    count, following, nearest = 0, 0, np.inf
    for bar in range(len(reach)):
        if reach[bar] > nearest:
            count = _taken((there, count), level, reach[bar], (ended_at, bar))
            nearest = _lowest(there, count, level)
        while following < len(level) and known_at[following] == bar:
            count = _remembered(there, count, last_bar, bar - memory)
            old = _partner(there, count, level, level[following], tolerance[bar])
            if old >= 0:
                touches[following] = touches[old] + 1
                first_bar[following] = first_bar[old]
                level[following] = max(level[following], level[old])
                ended_at[old], ended_by[old] = bar, 3
                count = _without(there, count, old)
            there[count] = following
            count += 1
            following += 1
            nearest = _lowest(there, count, level)
    for row in range(len(level)):
        if ended_at[row] > last_bar[row] + memory:
            ended_at[row], ended_by[row] = -1, -1
        elif ended_at[row] >= 0 and ended_by[row] < 0:
            ended_by[row] = 2 if close[ended_at[row]] > level[row] else 1
    return level, touches, first_bar, ended_at, ended_by


@compiled
def _taken(
    pool: tuple[Integers, int], level: Floats, reach: float, ended: tuple[Integers, int]
) -> int:
    """End the pools that a bar went beyond, and count the rest."""
    there, count = pool
    kept = 0
    for place in range(count):
        row = there[place]
        if reach > level[row]:
            ended[0][row] = ended[1]
        else:
            there[kept] = row
            kept += 1
    return kept


@compiled
def _remembered(there: Integers, count: int, last_bar: Integers, oldest: int) -> int:
    """Forget the pools whose last swing is too old, and count the rest; they lie oldest first."""
    gone = 0
    while gone < count and last_bar[there[gone]] < oldest:
        gone += 1
    if gone:
        for place in range(gone, count):
            there[place - gone] = there[place]
    return count - gone


@compiled
def _partner(there: Integers, count: int, level: Floats, own: float, tolerance: float) -> int:
    """Return the newest pool near enough to a swing's level, or -1."""
    for place in range(count - 1, -1, -1):
        if abs(level[there[place]] - own) <= tolerance:
            return int(there[place])
    return -1


@compiled
def _without(there: Integers, count: int, gone: int) -> int:
    kept = 0
    for place in range(count):
        if there[place] != gone:
            there[kept] = there[place]
            kept += 1
    return kept


@compiled
def _lowest(there: Integers, count: int, level: Floats) -> float:
    lowest = np.inf
    for place in range(count):
        lowest = min(lowest, level[there[place]])
    return float(lowest)
