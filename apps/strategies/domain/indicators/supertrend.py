"""SuperTrend: a stop of average true ranges that only tightens, and turns when closed through."""

from typing import NamedTuple

import numpy as np

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.indicators.classic import atr


class SuperTrend(NamedTuple):
    """The line in quote currency and its side, each ``(n_bars,) float64``, oldest first.

    Attributes:
        line: Below price in an upward trend, above it in a downward one.
        direction: 1 up, -1 down, NaN while the range is not known.
    """

    line: Floats
    direction: Floats


def supertrend(
    high: Floats, low: Floats, close: Floats, period: int = 10, *, multiplier: float = 3.0
) -> SuperTrend:
    """Follow price with a stop; the trend turns where the close crosses it.

    It remembers its last turn, however long ago that was. No number of bars is sure to decide the
    newest value; a strategy that needs the same live and offline asks for many and is checked.

    Source: O. Seban's indicator, as TradingView documents ``ta.supertrend``.
    """
    middle = (high + low) / 2
    width = multiplier * atr(high, low, close, period)
    return SuperTrend(*_followed(close, middle - width, middle + width))


@compiled
def _followed(close: Floats, below: Floats, above: Floats) -> tuple[Floats, Floats]:
    bars = len(close)
    line, direction = np.full(bars, np.nan), np.full(bars, np.nan)
    floor, ceiling, side = np.nan, np.nan, -1.0
    for row in range(bars):
        if np.isnan(below[row]):
            continue
        before = close[row - 1] if row else close[row]
        if np.isnan(floor) or below[row] > floor or before < floor:
            floor = below[row]
        if np.isnan(ceiling) or above[row] < ceiling or before > ceiling:
            ceiling = above[row]
        if side < 0 and close[row] > ceiling:
            side = 1.0
        elif side > 0 and close[row] < floor:
            side = -1.0
        line[row] = floor if side > 0 else ceiling
        direction[row] = side
    return line, direction
