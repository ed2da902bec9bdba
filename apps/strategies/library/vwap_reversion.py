"""Bets on a return to the price at which most was traded, in a market that goes nowhere."""

from typing import Literal

import numpy as np
from pydantic import Field

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import average_range, efficiency_ratio, rolling_vwap
from apps.strategies.domain.strategy import Ratio, Signals, Strategy, StrategyParameters


class VwapReversionParameters(StrategyParameters):
    """What can be set."""

    vwap_bars: int = Field(default=96, ge=2, le=5000, description="Bars of the weighted average")
    range_bars: int = Field(default=20, ge=1, le=500, description="Bars of the average range")
    away_ranges: float = Field(
        default=3.0, gt=0, le=50, description="Enter so many average ranges away from it"
    )
    efficiency: float = Field(
        default=0.2, gt=0, le=1, description="Only where less of the way than this was made good"
    )
    stop_loss_ratio: Ratio | None = Field(default=0.015, description="0.015: stop 1.5 % away")
    direction: Literal["both", "long_only"] = Field(
        default="both", description="Take long and short entries, or long ones alone"
    )


class VwapReversion(Strategy[VwapReversionParameters]):
    """Long far below the volume-weighted average in a range, short far above it.

    Out where price crosses the average, or at the stop.
    """

    Parameters = VwapReversionParameters
    name = "vwap_reversion"
    title = "Return to the volume-weighted average price"
    reverses = False

    @property
    def warmup_bars(self) -> int:
        """The average now and a bar ago, the way gone, and the range."""
        return max(self.parameters.vwap_bars, self.parameters.range_bars) + 1

    def signals(self, candles: Candles) -> Signals:
        """Enter far away, and leave on the bar on which price crosses the average."""
        settings, close = self.parameters, candles.close
        middle = rolling_vwap(candles, settings.vwap_bars)
        width = settings.away_ranges * average_range(
            candles.high, candles.low, close, settings.range_bars
        )
        idle = efficiency_ratio(close, settings.vwap_bars) < settings.efficiency
        side = np.sign(close - middle)
        before = np.concatenate(([np.nan], side))[: len(side)]
        crossed = (side != before) & ~np.isnan(side) & ~np.isnan(before)
        enter_short = idle & (close > middle + width)
        if settings.direction == "long_only":
            enter_short = np.zeros_like(enter_short)
        return Signals.from_entries(
            enter_long=idle & (close < middle - width),
            enter_short=enter_short,
            exit=crossed,
            stop_loss_ratio=settings.stop_loss_ratio,
        )
