"""Channels around price: Keltner, Donchian, bands and stops of average true ranges."""

from typing import NamedTuple

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.indicators.classic import Bands, atr, ema
from apps.strategies.domain.indicators.ranges import highest, lowest


class Stops(NamedTuple):
    """Trailing stops, each ``(n_bars,) float64``, oldest first, in quote currency."""

    long: Floats
    short: Floats


def keltner_channel(
    high: Floats,
    low: Floats,
    close: Floats,
    period: int = 20,
    *,
    atr_period: int = 10,
    multiplier: float = 2.0,
) -> Bands:
    """Put bands of average true ranges around an exponential average.

    Both are recursive: ask for the longer of ``recursive_warmup(smoothing=2 / (period + 1))`` and
    ``recursive_warmup(smoothing=1 / atr_period)``, and the period itself.

    Source: L. B. Raschke's form of C. Keltner, How to Make Money in Commodities (1960).
    """
    middle = ema(close, period)
    width = multiplier * atr(high, low, close, atr_period)
    return Bands(middle + width, middle, middle - width)


def donchian_channel(high: Floats, low: Floats, period: int = 20) -> Bands:
    """Return the highest high and lowest low of the last ``period`` bars, the newest included.

    A close cannot lie above it: a breakout compares with the channel of the bar before.

    Source: R. Donchian's four-week rule; C. Faith, Way of the Turtle (2007), chapter 10.
    """
    upper, lower = highest(high, period), lowest(low, period)
    return Bands(upper, (upper + lower) / 2, lower)


def atr_bands(
    high: Floats, low: Floats, close: Floats, period: int = 14, *, multiplier: float = 2.0
) -> Bands:
    """Put bands of Wilder's average true range around the close."""
    width = multiplier * atr(high, low, close, period)
    return Bands(close + width, close.copy(), close - width)


def chandelier_stops(
    high: Floats, low: Floats, close: Floats, period: int = 22, *, multiplier: float = 3.0
) -> Stops:
    """Hang stops from the highest high, and stand them on the lowest low, of ``period`` bars.

    Source: C. Le Beau's exit, in A. Elder, Come Into My Trading Room (2002), part 7.
    """
    distance = multiplier * atr(high, low, close, period)
    return Stops(highest(high, period) - distance, lowest(low, period) + distance)
