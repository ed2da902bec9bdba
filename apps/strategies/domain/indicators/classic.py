"""Averages, bands and Wilder's indicators, with one promise: what decides the newest value.

Averages and bands are summed here window by window. TA-Lib carries a running sum through the
whole array, so that its last digits depend on all bars before, and a live window would differ
from a full history. The recursive ones are TA-Lib's; they forget the past at a known rate.

Importing TA-Lib costs some 0.3 s once per process. Every function takes and returns
``(n_bars,) float64``, oldest first; the bars that it lacks history for are NaN.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import talib

from apps.strategies.domain.candles import Floats

_REMAINDER = 1e-16


class Bands(NamedTuple):
    """A channel around price: each ``(n_bars,) float64``, oldest first."""

    upper: Floats
    middle: Floats
    lower: Floats


def recursive_warmup(*, smoothing: float, passes: int = 1) -> int:
    """Count the bars after which a recursive indicator has forgotten what came before.

    Args:
        smoothing: Weight of the newest bar: 1 / period for RSI, ATR and ADX (Wilder), and
            2 / (period + 1) for EMA.
        passes: How often it smooths what is smoothed already: 2 for ADX, else 1.

    Returns:
        Bars until the weight of everything older is below 1e-16, the precision of a float.
        That leaves a value within 1e-9 of the one from a full history while older moves are
        up to some million times those of the window.
    """
    if smoothing >= 1:
        return passes
    once = math.log(_REMAINDER) / math.log1p(-smoothing)
    # Each further pass weights age n by n ** (pass - 1) more, which takes a few bars longer
    extra = (passes - 1) * math.log(once) / -math.log1p(-smoothing)
    return math.ceil(once + extra) + passes


def sma(values: Floats, period: int) -> Floats:
    """Average the last ``period`` values; each from these alone, to the last bit."""
    period_check(period, least=1)
    average = np.full(len(values), np.nan)
    if len(values) >= period:
        average[period - 1 :] = window_sums(values, period) / period
    return average


def ema(values: Floats, period: int) -> Floats:
    """Smooth with weight ``2 / (period + 1)``. TA-Lib starts it from an average."""
    period_check(period, least=2)
    return _talib(talib.EMA, values, period=period)


def rsi(values: Floats, period: int = 14) -> Floats:
    """Return Wilder's relative strength index, 0 to 100.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), section VI.
    """
    period_check(period, least=2)
    return _talib(talib.RSI, values, period=period)


def adx(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Return Wilder's average directional index, 0 to 100: how much of a trend there is.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), section IV.
    """
    period_check(period, least=2)
    return _talib(talib.ADX, high, low, close, period=period)


def atr(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Return Wilder's average true range, in quote currency."""
    period_check(period, least=1)
    return _talib(talib.ATR, high, low, close, period=period)


def bollinger_bands(values: Floats, period: int = 20, deviations: float = 2.0) -> Bands:
    """Return the average of ``period`` values and the bands around it.

    The standard deviation is that of a population, as in TA-Lib and in Bollinger's book. The
    bands of a market that stands still have no width and equal its price exactly.
    """
    period_check(period, least=2)
    middle, width = np.full(len(values), np.nan), np.full(len(values), np.nan)
    if len(values) >= period:
        newest = values[period - 1 :]
        total, squares = np.zeros(len(newest)), np.zeros(len(newest))
        for age in range(1, period):  # measured from the newest price, so that nothing cancels
            distance = values[period - 1 - age : len(values) - age] - newest
            total += distance
            squares += distance * distance
        mean = total / period
        middle[period - 1 :] = newest + mean
        width[period - 1 :] = deviations * np.sqrt(np.maximum(squares / period - mean * mean, 0))
    return Bands(middle + width, middle, middle - width)


def window_sums(values: Floats, period: int) -> Floats:
    """Add ``period`` neighbours in an order that does not depend on the rest of the array.

    Returns:
        ``(n_values - period + 1,) float64``, oldest first.
    """
    count = len(values) - period + 1
    total, taken = np.zeros(count), 0
    block, size = values, 1
    while size <= period:
        if period & size:
            total += block[taken : taken + count]
            taken += size
        if size * 2 <= period:
            block = block[:-size] + block[size:]
        size *= 2
    return total


def _talib(function: Callable[..., Any], *columns: Floats, period: int) -> Floats:
    answer: Floats = function(*columns, timeperiod=period)
    return answer


def period_check(period: int, *, least: int) -> None:
    """Refuse a period that makes no sense.

    Raises:
        ValueError: It is shorter than ``least``.
    """
    if period < least:
        raise ValueError(f"period must be at least {least} bars, was {period}")
