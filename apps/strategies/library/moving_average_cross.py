"""Follows a trend from the bar on which a fast average crosses a slow one."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import sma
from apps.strategies.domain.strategy import Ratio, Signals, Strategy, StrategyParameters

_EQUAL_WITHIN = 1e-12


class MovingAverageCrossParameters(StrategyParameters):
    """What can be set."""

    fast: int = Field(default=10, ge=1, le=5000, description="Bars of the fast average")
    slow: int = Field(default=30, ge=2, le=5000, description="Bars of the slow average")
    direction: Literal["always_in", "long_only"] = Field(
        default="always_in", description="Turn round at each cross, or be long or flat"
    )
    enter: Literal["at_cross", "in_trend"] = Field(
        default="at_cross",
        description="Act on the crossing bar alone, or want the trend's side on every bar",
    )
    stop_loss_ratio: Ratio | None = Field(default=None, description="0.01: stop 1 % away")
    take_profit_ratio: float | None = Field(default=None, gt=0, description="0.02: take 2 %")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(
                f"fast must be less than slow: fast is {self.fast}, slow is {self.slow}"
            )
        return self


class MovingAverageCross(Strategy[MovingAverageCrossParameters]):
    """Long when the fast average crosses above the slow one, short or flat when below.

    ``at_cross`` waits for the first cross, and after a stop for the next one. ``in_trend`` is in
    the market from its first bar on, and goes back in after a stop while the trend holds.
    """

    Parameters = MovingAverageCrossParameters
    name = "moving_average_cross"
    title = "Crossing of two moving averages"

    @property
    def warmup_bars(self) -> int:
        """The slow average, now and one bar ago."""
        return self.parameters.slow + 1

    def signals(self, candles: Candles) -> Signals:
        """Want the side of the fast average; nothing while the averages are equal."""
        slow = sma(candles.close, self.parameters.slow)
        gap = sma(candles.close, self.parameters.fast) - slow
        side = np.sign(np.where(np.abs(gap) <= slow * _EQUAL_WITHIN, 0.0, gap))
        target = np.where(side == 0, np.nan, side)
        if self.parameters.enter == "at_cross":
            before = np.concatenate(([np.nan], side))[: len(side)]
            target = np.where((side != before) & ~np.isnan(before), target, np.nan)
        if self.parameters.direction == "long_only":
            target = np.where(target == -1, 0.0, target)
        return Signals.from_target(
            target,
            stop_loss_ratio=self.parameters.stop_loss_ratio,
            take_profit_ratio=self.parameters.take_profit_ratio,
        )
