"""Premium and discount: where price stands in the range between the newest swings."""

from dataclasses import dataclass

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.facts import Integers
from apps.strategies.smc.swings import Swings

EQUILIBRIUM = 0.5
OPTIMAL_ENTRY = (0.62, 0.79)
"""How deep an optimal trade entry goes back, as a part of the leg: M. J. Huddleston (ICT)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DealingRange:
    """The range at each bar, ``(n_bars,)``, oldest first; NaN while there is none within memory.

    Attributes:
        high, low: ``float64``, newest known swing high and low, in quote currency; moved out by
            what traded beyond them since.
        position: ``float64``, where the close stands, 0 at the low, 1 at the high: above 0.5
            premium, below it discount.
        leg: ``float64``, 1 where the high is the later of the two, else -1: a rise (fall) that is
            being gone back.
        retracement: ``float64``, how much of the leg is gone back at the close, 0 to 1.
    """

    high: Floats
    low: Floats
    position: Floats
    leg: Floats
    retracement: Floats

    def columns(self) -> dict[str, Floats]:
        """Return the columns by name."""
        names = ("high", "low", "position", "leg", "retracement")
        return {name: getattr(self, name) for name in names}


def dealing_range(candles: Candles, found: Swings, *, memory: int = 500) -> DealingRange:
    """Measure each close against the newest known swings of both sides.

    Args:
        candles: Bars, oldest first.
        found: What ``swings`` said of them.
        memory: Bars after which a swing is forgotten. That and its window decide each row.

    Source: M. J. Huddleston (ICT), 2022 Mentorship: premium above the middle of the
    dealing range, discount below.
    """
    swung = (found.known_at, found.bar, found.side)
    top, bottom, leg = _ranges(candles.high, candles.low, swung, found.level, memory)
    width = top - bottom
    position = np.full(len(candles), np.nan)
    np.divide(candles.close - bottom, width, out=position, where=width > 0)
    return DealingRange(
        high=top,
        low=bottom,
        position=position,
        leg=leg,
        retracement=np.where(leg > 0, 1 - position, position),
    )


@compiled
def _ranges(
    high: Floats,
    low: Floats,
    swung: tuple[Integers, Integers, Integers],
    level: Floats,
    memory: int,
) -> tuple[Floats, Floats, Floats]:
    bars, following = len(high), 0
    tops, bottoms, legs = np.full(bars, np.nan), np.full(bars, np.nan), np.full(bars, np.nan)
    top, top_bar, bottom, bottom_bar = np.nan, -1, np.nan, -1
    for bar in range(bars):
        if top_bar >= 0:
            top = max(top, high[bar])
        if bottom_bar >= 0:
            bottom = min(bottom, low[bar])
        while following < len(level) and swung[0][following] == bar:
            if swung[2][following] > 0:
                top, top_bar = level[following], swung[1][following]
            else:
                bottom, bottom_bar = level[following], swung[1][following]
            following += 1
        has_top = top_bar >= 0 and bar - top_bar <= memory
        has_bottom = bottom_bar >= 0 and bar - bottom_bar <= memory
        if has_top:
            tops[bar] = top
        if has_bottom:
            bottoms[bar] = bottom
        if has_top and has_bottom:
            legs[bar] = 1.0 if top_bar > bottom_bar else -1.0
    return tops, bottoms, legs
