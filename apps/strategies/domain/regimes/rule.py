"""Trend or range, quiet or wild: a rule that anyone can check with a ruler."""

from dataclasses import dataclass

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.indicators import average_range, efficiency_ratio

UP, RANGE, DOWN = 1.0, 0.0, -1.0
QUIET, USUAL, WILD = -1.0, 0.0, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeRule:
    """What the rule goes by.

    Attributes:
        trend_bars: Over how many bars the way of price is measured.
        efficiency: A trend is where at least this part of the way gone was made good, 0 to 1.
        range_bars: Over how many bars the average true range is taken.
        rank_bars: Among how many bars it is ranked.
        quiet, wild: Quiet is at most this rank, wild at least that one, 0 to 1.
    """

    trend_bars: int = 48
    efficiency: float = 0.3
    range_bars: int = 14
    rank_bars: int = 500
    quiet: float = 0.2
    wild: float = 0.8

    @property
    def warmup_bars(self) -> int:
        """Bars that decide both answers at the newest bar, to the last bit."""
        return max(self.trend_bars + 1, self.range_bars + self.rank_bars)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Regimes:
    """The regime after each bar, ``(n_bars,) float64``, oldest first; NaN while not known.

    Attributes:
        trend: 1 upwards, -1 downwards, 0 a range.
        efficiency: Part of the way gone that was made good, 0 to 1.
        volatility: -1 quiet, 0 usual, 1 wild.
        rank: Part of the bars before it, and itself, with a smaller range: 0 the quietest.
    """

    trend: Floats
    efficiency: Floats
    volatility: Floats
    rank: Floats


def regimes_by_rule(candles: Candles, rule: RegimeRule | None = None) -> Regimes:
    """Say for each bar in which regime the market was, from that bar and earlier ones.

    Source: efficiency ratio by P. J. Kaufman, Trading Systems and Methods; volatility by its rank
    among recent ones, so that no price level and no instrument needs a number of its own.
    """
    chosen = RegimeRule() if rule is None else rule
    close, bars = candles.close, len(candles)
    efficiency = efficiency_ratio(close, chosen.trend_bars)
    way = np.full(bars, np.nan)
    way[chosen.trend_bars :] = np.sign(close[chosen.trend_bars :] - close[: -chosen.trend_bars])
    trend = np.where(efficiency >= chosen.efficiency, way, RANGE)
    trend[np.isnan(efficiency)] = np.nan
    spread = average_range(candles.high, candles.low, close, chosen.range_bars)
    relative = spread / close
    rank = _ranks(relative, chosen.rank_bars)
    volatility = np.where(rank >= chosen.wild, WILD, np.where(rank <= chosen.quiet, QUIET, USUAL))
    volatility[np.isnan(rank)] = np.nan
    return Regimes(trend=trend, efficiency=efficiency, volatility=volatility, rank=rank)


@compiled
def _ranks(values: Floats, window: int) -> Floats:
    """Rank each value among the last ``window``; equal ones count half."""
    found = np.full(len(values), np.nan)
    for row in range(window - 1, len(values)):
        if np.isnan(values[row - window + 1]):
            continue
        smaller, equal = 0, 0
        for other in range(row - window + 1, row):
            smaller += values[other] < values[row]
            equal += values[other] == values[row]
        found[row] = (smaller + 0.5 * equal) / max(window - 1, 1)
    return found
