"""Swing highs and lows: where price turned, known only once enough bars have gone by."""

from dataclasses import dataclass

import numpy as np

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import Facts, Integers
from apps.strategies.domain.indicators import highest, lowest

TURN, EXTENDS, INNER = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Swings(Facts):
    """Swing highs and lows in the order in which they became known.

    Attributes:
        bar: ``int64``, the bar of the extreme; ``known_at`` is ``right`` bars later.
        side: ``int64``, 1 a high, -1 a low.
        level: ``float64``, the extreme, in quote currency.
        role: ``int64``, what it was to the zigzag of those known before: 0 turns it, 1 extends its
            last leg to a further extreme, 2 lies inside.
        against: ``int64``, 1 above, -1 below, 0 at the swing of its side before, or the first one:
            a higher high is side 1 and against 1.
    """

    bar: Integers
    side: Integers
    level: np.ndarray[tuple[int], np.dtype[np.float64]]
    role: Integers
    against: Integers


def swings(candles: Candles, *, left: int = 5, right: int = 5) -> Swings:
    """Find the bars whose high (low) none of the bars around them goes beyond.

    Args:
        candles: Bars, oldest first.
        left: How many bars before it must not go beyond.
        right: The same for bars after it; so many bars later it is known.

    Returns:
        Swings, ``left + 1 + right`` bars deciding each but for role and against. Bars with equal
        extremes within the window all count. A bar that is both is told as a high, then as a low.

    Source: B. Williams, Trading Chaos (1995), fractals, for two bars each side; the package
    smartmoneyconcepts takes ``left = length - 1`` and ``right = length``.
    """
    if left < 1 or right < 1:
        raise ValueError(f"left and right must be at least 1 bar, were {left} and {right}")
    window, bars = left + right + 1, len(candles)
    middle = slice(left, bars - right)
    if bars < window:
        middle = slice(0, 0)
    top = highest(candles.high, window)[left + right :]
    bottom = lowest(candles.low, window)[left + right :]
    highs = np.flatnonzero(candles.high[middle] == top) + left
    lows = np.flatnonzero(candles.low[middle] == bottom) + left
    bar = np.concatenate((highs, lows))
    side = np.repeat(np.array([1, -1]), [len(highs), len(lows)])
    level = np.concatenate((candles.high[highs], candles.low[lows]))
    order = np.lexsort((-side, bar))
    bar, side, level = bar[order], side[order], level[order]
    role, against = _roles(side, level)
    return Swings(known_at=bar + right, bar=bar, side=side, level=level, role=role, against=against)


def zigzag(found: Swings) -> Integers:
    """Return the rows of ``found`` that alternate, as things stand once all of them are known.

    Of several highs between two lows the highest stands, of equals the first. This is the one
    view that a later swing changes: it is for charts and comparisons, not for decisions.
    """
    standing: list[int] = []
    for row, role in enumerate(found.role.tolist()):
        if role == EXTENDS:
            standing[-1] = row
        elif role == TURN:
            standing.append(row)
    return np.array(standing, dtype=np.int64)


@compiled
def _roles(
    side: Integers, level: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[Integers, Integers]:
    role, against = np.empty(len(side), dtype=np.int64), np.zeros(len(side), dtype=np.int64)
    leg, extreme = 0, 0.0
    before = np.full(3, np.nan)  # the level before, by side + 1
    for row in range(len(side)):
        if side[row] != leg:
            leg, extreme, role[row] = side[row], level[row], 0
        elif (level[row] - extreme) * leg > 0:
            extreme, role[row] = level[row], 1
        else:
            role[row] = 2
        last = before[side[row] + 1]
        if not np.isnan(last):
            against[row] = np.sign(level[row] - last)
        before[side[row] + 1] = level[row]
    return role, against
