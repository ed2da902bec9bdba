"""Displacement: a candle that goes far and closes near its end, as if someone were in a hurry."""

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.indicators import average_range


def displacement(
    candles: Candles, *, period: int = 20, ranges: float = 1.5, body_ratio: float = 0.6
) -> Floats:
    """Mark bars whose body is long for the market and for their own range.

    Args:
        candles: Bars, oldest first.
        period: Bars of the average true range before the bar, itself not among them.
        ranges: How many of these the body must have.
        body_ratio: Which part of the bar from high to low the body must be.

    Returns:
        ``(n_bars,) float64``: 1 upwards, -1 downwards, 0 none or not known. ``period + 2`` bars
        decide each, to the last bit.

    Source: M. J. Huddleston (ICT), 2022 Mentorship; the thresholds are ours.
    """
    usual = average_range(candles.high, candles.low, candles.close, period)
    return _marks(
        (candles.open, candles.close), (candles.high, candles.low), usual, ranges, body_ratio
    )


@compiled
def _marks(
    bodies: tuple[Floats, Floats],
    extremes: tuple[Floats, Floats],
    usual: Floats,
    ranges: float,
    body_ratio: float,
) -> Floats:
    found = np.zeros(len(usual))
    for bar in range(1, len(usual)):
        body = bodies[1][bar] - bodies[0][bar]
        far = abs(body) >= ranges * usual[bar - 1]  # never, where that is not known
        if far and abs(body) >= body_ratio * (extremes[0][bar] - extremes[1][bar]):
            found[bar] = np.sign(body)
    return found
