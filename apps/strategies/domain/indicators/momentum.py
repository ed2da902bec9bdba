"""How fast and how straight price goes: MACD, stochastics, rate of change, efficiency."""

from typing import NamedTuple

import numpy as np
import talib

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.indicators.classic import period_check, sma, window_sums
from apps.strategies.domain.indicators.ranges import highest, lowest


class Macd(NamedTuple):
    """Each ``(n_bars,) float64``, oldest first, in quote currency."""

    line: Floats
    signal: Floats
    histogram: Floats


class Stochastic(NamedTuple):
    """Each ``(n_bars,) float64``, oldest first, 0 to 100."""

    k: Floats
    d: Floats


def macd(values: Floats, *, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return the distance of two exponential averages, and its own average. Recursive.

    Source: G. Appel, Technical Analysis: Power Tools for Active Investors (2005), chapter 8.
    """
    period_check(fast, least=2)
    period_check(slow, least=fast + 1)
    period_check(signal, least=1)
    return Macd(*talib.MACD(values, fastperiod=fast, slowperiod=slow, signalperiod=signal))


def stochastic(
    high: Floats, low: Floats, close: Floats, period: int = 14, *, smooth: int = 3, signal: int = 3
) -> Stochastic:
    """Say where the close lies in the range of ``period`` bars; 50 where there is no range.

    ``period + smooth + signal - 2`` bars decide the newest value, to the last bit.
    """
    top, bottom = highest(high, period), lowest(low, period)
    width = top - bottom
    raw = np.full(len(close), 50.0)
    np.divide(100 * (close - bottom), width, out=raw, where=width != 0)
    k = _settled(raw, period - 1, smooth)
    return Stochastic(k, _settled(k, period + smooth - 2, signal))


def rate_of_change(values: Floats, period: int) -> Floats:
    """Return the change over ``period`` bars as a ratio: 0.01 is 1 %."""
    period_check(period, least=1)
    found = np.full(len(values), np.nan)
    found[period:] = values[period:] / values[:-period] - 1
    return found


def efficiency_ratio(values: Floats, period: int = 20) -> Floats:
    """Return the way made good over the way gone, 0 to 1: 1 is a straight line, 0 no way at all.

    ``period + 1`` bars decide the newest value, to the last bit.

    Source: P. J. Kaufman, Trading Systems and Methods, chapter 17 (adaptive average).
    """
    period_check(period, least=1)
    found = np.full(len(values), np.nan)
    if len(values) <= period:
        return found
    gone = window_sums(np.abs(np.diff(values)), period)
    ratio = np.zeros(len(gone))
    np.divide(np.abs(values[period:] - values[:-period]), gone, out=ratio, where=gone > 0)
    found[period:] = np.minimum(ratio, 1.0)
    return found


def _settled(values: Floats, unready: int, period: int) -> Floats:
    """Average from the first row on that has a value."""
    found = np.full(len(values), np.nan)
    found[unready:] = sma(values[unready:], period)
    return found
