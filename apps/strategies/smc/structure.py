"""Market structure: where a close breaks a swing, and whether that goes on or turns the market."""

from dataclasses import dataclass

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import Facts, Integers
from apps.strategies.smc.lives import first_beyond
from apps.strategies.smc.swings import Swings

FIRST, BOS, CHOCH = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Breaks(Facts):
    """Breaks of swings, in the order in which they became known; of one bar, the newest first.

    Attributes:
        side: ``int64``, 1 a swing high broken upwards, -1 a swing low broken downwards.
        kind: ``int64``, 1 break of structure (BOS): the way of the break before; 2 change of
            character (CHoCH): against it; 0 there was none within memory.
        swing_bar: ``int64``, bar of the swing that was broken.
        level: ``float64``, its extreme.
        newest: ``bool``, whether it was the newest known swing of its side. The older ones were
            left behind by a newer swing and are broken late.
    """

    side: Integers
    kind: Integers
    swing_bar: Integers
    level: Floats
    newest: np.ndarray[tuple[int], np.dtype[np.bool_]]


def breaks(candles: Candles, found: Swings, *, memory: int = 500, by_close: bool = True) -> Breaks:
    """Find where swings are broken.

    Args:
        candles: Bars, oldest first.
        found: What ``swings`` said of them.
        memory: Bars after which a swing, and the direction of the last break, are forgotten. Twice
            the memory and the swing's window decide a break and its kind, to the last bit.
        by_close: Whether the close must lie beyond the level, or high and low are enough.

    Source: BOS and CHoCH as in LuxAlgo, Smart Money Concepts (TradingView, 2022): the first close
    beyond a confirmed swing; a change of character where the trend was the other way.
    """
    prices = (candles.close, candles.close) if by_close else (candles.high, candles.low)
    broken_at = first_beyond(prices, found.side, found.level, found.known_at, found.bar + memory)
    rows = np.flatnonzero(broken_at >= 0)
    rows = rows[np.lexsort((-rows, -found.side[rows], broken_at[rows]))]
    at, side = broken_at[rows], found.side[rows]
    return Breaks(
        known_at=at,
        side=side,
        kind=_kinds(at, side, memory),
        swing_bar=found.bar[rows],
        level=found.level[rows],
        newest=_newest(found, rows, at),
    )


def trend(found: Breaks, *, bars: int, memory: int = 500) -> Floats:
    """Return the direction of the last break: 1 up, -1 down, 0 none within memory.

    Returns:
        ``(bars,) float64``, oldest first; each from the breaks up to its bar.
    """
    return _directions(found.known_at, found.side, bars, memory)


def _newest(
    found: Swings, rows: Integers, at: Integers
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    newest = np.zeros(len(rows), dtype=np.bool_)
    for side in (1, -1):
        own = np.flatnonzero(found.side == side)
        chosen = found.side[rows] == side
        last = np.searchsorted(found.known_at[own], at[chosen], side="right") - 1
        newest[chosen] = own[last] == rows[chosen]
    return newest


@compiled
def _kinds(at: Integers, side: Integers, memory: int) -> Integers:
    """Compare each break with the last one of an earlier bar."""
    kind = np.zeros(len(at), dtype=np.int64)
    before = -1
    for row in range(len(at)):
        if row and at[row - 1] != at[row]:
            before = row - 1
        if before >= 0 and at[row] - at[before] <= memory:
            kind[row] = 1 if side[before] == side[row] else 2
    return kind


@compiled
def _directions(at: Integers, side: Integers, bars: int, memory: int) -> Floats:
    direction = np.zeros(bars)
    row = -1
    for bar in range(bars):
        while row + 1 < len(at) and at[row + 1] <= bar:
            row += 1
        if row >= 0 and bar - at[row] <= memory:
            direction[bar] = side[row]
    return direction
