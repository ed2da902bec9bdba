"""Highs, lows and ranges over windows, each from its window alone, to the last bit."""

import numpy as np
import talib

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.indicators.classic import period_check, sma


def highest(values: Floats, period: int) -> Floats:
    """Return the highest of the last ``period`` values, the newest included."""
    period_check(period, least=1)
    found: Floats = values.copy() if period == 1 else talib.MAX(values, timeperiod=period)
    return found


def lowest(values: Floats, period: int) -> Floats:
    """Return the lowest of the last ``period`` values, the newest included."""
    period_check(period, least=1)
    found: Floats = values.copy() if period == 1 else talib.MIN(values, timeperiod=period)
    return found


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return how far price went from the close before, in quote currency; the first is NaN.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), section III.
    """
    found = np.full(len(close), np.nan)
    before = close[:-1]
    found[1:] = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    return found


def average_range(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Average the true range over ``period`` bars; ``period + 1`` bars decide it, to the last bit.

    Wilder's ``atr`` remembers for ever; this one is for levels that must be the same live.
    """
    period_check(period, least=1)
    found = np.full(len(close), np.nan)
    found[1:] = sma(true_range(high, low, close)[1:], period)
    return found
