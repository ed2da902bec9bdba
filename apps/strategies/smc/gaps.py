"""Fair value gaps: three bars whose outer ones leave a price untraded, and what fills it."""

from dataclasses import dataclass

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.facts import Facts, Integers
from apps.strategies.smc.lives import zone_lives


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Gaps(Facts):
    """Fair value gaps in the order in which they became known.

    Attributes:
        bar: ``int64``, the middle of the three bars; the gap is known a bar later.
        side: ``int64``, 1 left open by a rise, -1 by a fall.
        top, bottom: ``float64``, its edges, in quote currency.
        body: ``int64``, 1 where the middle bar closed above its open, -1 below, 0 at it.
        touched_at: ``int64``, the first bar that traded in it: mitigation.
        half_at: The first that reached its middle (consequent encroachment).
        filled_at: The first that reached its far edge.
        inverted_at: The first that closed beyond it: from then on an inversion gap.
    """

    bar: Integers
    side: Integers
    top: Floats
    bottom: Floats
    body: Integers
    touched_at: Integers
    half_at: Integers
    filled_at: Integers
    inverted_at: Integers


def fair_value_gaps(candles: Candles, *, memory: int = 500) -> Gaps:
    """Find bars whose neighbours do not overlap.

    Args:
        candles: Bars, oldest first.
        memory: For how many bars after it a gap is watched. Three bars decide a gap, and these the
            columns that follow, to the last bit.

    Source: M. J. Huddleston (ICT), 2022 Mentorship: the low of the third candle above
    the high of the first, and reversed; consequent encroachment is its middle.
    """
    high, low = candles.high, candles.low
    rising = low[2:] > high[:-2]
    falling = high[2:] < low[:-2]
    bar = np.flatnonzero(rising | falling) + 1
    side = np.where(rising[bar - 1], 1, -1)
    before, after = bar - 1, bar + 1
    top = np.where(side > 0, low[after], low[before])
    bottom = np.where(side > 0, high[before], high[after])
    touched, half, filled, inverted = zone_lives(
        (low, high), (candles.close, candles.close), side, (top, bottom), (after, memory)
    )
    return Gaps(
        known_at=after,
        bar=bar,
        side=side,
        top=top,
        bottom=bottom,
        body=np.sign(candles.close[bar] - candles.open[bar]).astype(np.int64),
        touched_at=touched,
        half_at=half,
        filled_at=filled,
        inverted_at=inverted,
    )
