"""Goes with a close beyond everything that was traded for a while: the oldest trend rule."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.indicators import average_range, donchian_channel
from apps.strategies.domain.regimes import RegimeRule, regimes_by_rule
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters


class ChannelBreakoutParameters(StrategyParameters):
    """What can be set."""

    entry_bars: int = Field(default=48, ge=2, le=2000, description="Bars of the channel to enter")
    exit_bars: int = Field(
        default=24, ge=1, le=2000, description="Bars of the channel to leave, where long only"
    )
    after: Literal["any", "quiet"] = Field(
        default="any", description="Any breakout, or those out of a quiet market alone"
    )
    rank_bars: int = Field(default=300, ge=20, le=5000, description="Among which quiet is ranked")
    stop_ranges: float = Field(default=3.0, gt=0, le=50, description="Stop in average true ranges")
    direction: Literal["both", "long_only"] = Field(
        default="both", description="Turn round at each breakout, or be long or flat"
    )

    @model_validator(mode="after")
    def _leaves_sooner(self) -> Self:
        if self.exit_bars > self.entry_bars:
            raise ValueError(
                f"exit_bars must be at most entry_bars: exit_bars is {self.exit_bars}, "
                f"entry_bars is {self.entry_bars}"
            )
        return self


class ChannelBreakout(Strategy[ChannelBreakoutParameters]):
    """Long on a close above the channel of the bars before, short (or flat) below it.

    Source: R. Donchian's rule, as the Turtles traded it: C. Faith, Way of the Turtle (2007).
    """

    Parameters = ChannelBreakoutParameters
    name = "channel_breakout"
    title = "Breakout of a Donchian channel"

    @property
    def warmup_bars(self) -> int:
        """The channel of the bar before, the range, and the ranks of a quiet market before it."""
        settings = self.parameters
        quiet = self._rule().warmup_bars + 1 if settings.after == "quiet" else 0
        return max(settings.entry_bars + 1, _RANGE_BARS + 1, quiet)

    def signals(self, candles: Candles) -> Signals:
        """Enter beyond the channel that was there before the bar."""
        settings, close = self.parameters, candles.close
        entry = donchian_channel(candles.high, candles.low, settings.entry_bars)
        enter_long = close > _before(entry.upper)
        enter_short = close < _before(entry.lower)
        if settings.after == "quiet":
            calm = _before(regimes_by_rule(candles, self._rule()).volatility) < 0
            enter_long, enter_short = enter_long & calm, enter_short & calm
        leave = np.zeros(len(candles), dtype=np.bool_)
        if settings.direction == "long_only":
            leave = close < _before(
                donchian_channel(candles.high, candles.low, settings.exit_bars).lower
            )
            enter_short = np.zeros_like(enter_short)
        width = average_range(candles.high, candles.low, close, _RANGE_BARS)
        stop = settings.stop_ranges * width / close
        return Signals.from_entries(
            enter_long=enter_long,
            enter_short=enter_short,
            exit=leave,
            stop_loss_ratio=np.where((stop > 0) & (stop < 1), stop, np.nan),
        )

    def _rule(self) -> RegimeRule:
        return RegimeRule(trend_bars=2, range_bars=_RANGE_BARS, rank_bars=self.parameters.rank_bars)


_RANGE_BARS = 20


def _before(values: Floats) -> Floats:
    return np.concatenate(([np.nan], values))[: len(values)]
