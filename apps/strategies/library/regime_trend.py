"""Follows a trend, but only while the market is in a regime in which trends pay."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import average_range, sma
from apps.strategies.domain.regimes import (
    RegimeRule,
    WalkForward,
    regimes_by_rule,
    regimes_hidden,
)
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters

_RANGE_BARS = 20


class RegimeTrendParameters(StrategyParameters):
    """What can be set."""

    average_bars: int = Field(default=96, ge=2, le=5000, description="Bars of the average")
    regime: Literal["rule", "hidden"] = Field(
        default="rule", description="A plain rule of trend and range, or a hidden Markov model"
    )
    trend_bars: int = Field(default=48, ge=2, le=2000, description="Bars of the rule's way")
    efficiency: float = Field(
        default=0.3, gt=0, lt=1, description="A trend makes good this part of the way"
    )
    fit_bars: int = Field(default=500, ge=50, le=5000, description="Bars a model is fitted on")
    refit_bars: int = Field(default=250, ge=10, le=5000, description="Bars a model is used for")
    calm: float = Field(
        default=0.8, gt=0, lt=1, description="Least probability of the model's quiet state"
    )
    stop_ranges: float = Field(default=4.0, gt=0, le=50, description="Stop in average true ranges")
    direction: Literal["both", "long_only"] = Field(
        default="both", description="Be long and short, or long alone"
    )


class RegimeTrend(Strategy[RegimeTrendParameters]):
    """On the side of the average that price is on, in a fitting regime; flat in any other.

    By the rule that is a trend towards this side, and no wild market. By the model it is the quiet
    state of two: trends of wild markets turn too fast.
    """

    Parameters = RegimeTrendParameters
    name = "regime_trend"
    title = "Trend with a regime filter"

    @property
    def warmup_bars(self) -> int:
        """The average, and what the regime is told from."""
        settings = self.parameters
        regime = self._rule() if settings.regime == "rule" else self._plan()
        return max(settings.average_bars, _RANGE_BARS + 1, regime.warmup_bars)

    def signals(self, candles: Candles) -> Signals:
        """Want the side of the average while the regime fits."""
        settings, close = self.parameters, candles.close
        average = sma(close, settings.average_bars)
        side = np.where(np.isnan(average), 0.0, np.sign(close - average))
        target = np.where(self._fits(candles, side), side, 0.0)
        if settings.direction == "long_only":
            target = np.maximum(target, 0.0)
        stop = settings.stop_ranges * average_range(candles.high, candles.low, close, _RANGE_BARS)
        ratio = stop / close
        return Signals.from_target(
            target, stop_loss_ratio=np.where((ratio > 0) & (ratio < 1), ratio, np.nan)
        )

    def _fits(self, candles: Candles, side: NDArray[np.float64]) -> NDArray[np.bool_]:
        if self.parameters.regime == "hidden":
            quiet = regimes_hidden(candles, self._plan()).probability[:, 0]
            return np.greater_equal(quiet, self.parameters.calm)
        found = regimes_by_rule(candles, self._rule())
        fits: NDArray[np.bool_] = (found.trend == side) & (found.volatility <= 0)
        return fits

    def _rule(self) -> RegimeRule:
        settings = self.parameters
        return RegimeRule(
            trend_bars=settings.trend_bars, efficiency=settings.efficiency, rank_bars=300
        )

    def _plan(self) -> WalkForward:
        return WalkForward(fit_bars=self.parameters.fit_bars, refit_bars=self.parameters.refit_bars)
