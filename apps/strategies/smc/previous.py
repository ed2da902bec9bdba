"""Highs and lows of the day, week or month before, and whether this one has gone beyond them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import Integers
from apps.strategies.domain.periods import Period, period_ids


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PreviousLevels:
    """Extremes of the last whole period at each bar, ``(n_bars,)``, oldest first.

    Attributes:
        high, low: ``float64``; NaN until a period whose beginning is at hand is over.
        high_taken, low_taken: ``bool``, whether a bar of this period went beyond, up to this one.
    """

    high: Floats
    low: Floats
    high_taken: NDArray[np.bool_]
    low_taken: NDArray[np.bool_]

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the columns by name."""
        names = ("high", "low", "high_taken", "low_taken")
        return {name: getattr(self, name) for name in names}


def previous_levels(
    candles: Candles, *, period: Period = "1d", zone: str = "UTC", starts: str = "00:00"
) -> PreviousLevels:
    """Carry the extremes of each period that is over through the next one that has bars.

    Args:
        candles: Bars, oldest first.
        period: ``1h``, ``4h``, ``1d``, ``1w`` or ``1M``.
        zone: Whose clock counts.
        starts: Local time at which a day begins.
    """
    ids = period_ids(candles.open_at, period=period, zone=zone, starts=starts)
    high, low, high_taken, low_taken = _carried(candles.high, candles.low, ids)
    return PreviousLevels(high=high, low=low, high_taken=high_taken, low_taken=low_taken)


@compiled
def _carried(
    highs: Floats, lows: Floats, ids: Integers
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    bars = len(ids)
    high, low = np.full(bars, np.nan), np.full(bars, np.nan)
    high_taken, low_taken = np.zeros(bars, dtype=np.bool_), np.zeros(bars, dtype=np.bool_)
    top, bottom, before_top, before_bottom = np.nan, np.nan, np.nan, np.nan
    for bar in range(1, bars):
        if ids[bar] != ids[bar - 1]:
            before_top, before_bottom = top, bottom
            top, bottom = highs[bar], lows[bar]
        elif not np.isnan(top):
            top, bottom = max(top, highs[bar]), min(bottom, lows[bar])
        high[bar], low[bar] = before_top, before_bottom
        high_taken[bar], low_taken[bar] = top > before_top, bottom < before_bottom
    return high, low, high_taken, low_taken
