"""Bets on a return to the mean where a quiet market has run to its outer band."""

from typing import Literal

import numpy as np
from pydantic import Field

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import adx, bollinger_bands, recursive_warmup, rsi
from apps.strategies.domain.strategy import Ratio, Signals, Strategy, StrategyParameters


class BollingerRsiParameters(StrategyParameters):
    """What can be set."""

    band_period: int = Field(default=20, ge=2, le=500, description="Bars of the bands")
    band_deviations: float = Field(default=2.0, gt=0, description="Width of the bands")
    rsi_period: int = Field(default=14, ge=2, le=200, description="Bars of the RSI")
    rsi_oversold: float = Field(default=25.0, gt=0, lt=50, description="Long below this RSI")
    rsi_overbought: float = Field(default=75.0, gt=50, lt=100, description="Short above this RSI")
    adx_period: int = Field(default=14, ge=2, le=200, description="Bars of the ADX")
    adx_limit: float = Field(default=25.0, gt=0, le=100, description="Only below this ADX")
    direction: Literal["both", "long_only"] = Field(
        default="both", description="Take long and short entries, or long ones alone"
    )
    stop_loss_ratio: Ratio | None = Field(default=0.01, description="0.01: stop 1 % away")
    take_profit_ratio: float | None = Field(default=0.02, gt=0, description="0.02: take 2 %")


class BollingerRsi(Strategy[BollingerRsiParameters]):
    """Long below the lower band with a low RSI, short above the upper with a high one.

    It never asks for an exit: the stop and the take-profit end the trade.
    """

    Parameters = BollingerRsiParameters
    name = "bollinger_rsi"
    title = "Return to the mean from the Bollinger bands"
    reverses = False

    @property
    def warmup_bars(self) -> int:
        """What the slowest of the three needs; 611 bars with the default parameters."""
        settings = self.parameters
        return max(
            settings.band_period,
            recursive_warmup(smoothing=1 / settings.rsi_period) + settings.rsi_period,
            recursive_warmup(smoothing=1 / settings.adx_period, passes=2) + 2 * settings.adx_period,
        )

    def signals(self, candles: Candles) -> Signals:
        """Enter where close, RSI and ADX agree."""
        settings = self.parameters
        bands = bollinger_bands(candles.close, settings.band_period, settings.band_deviations)
        strength = rsi(candles.close, settings.rsi_period)
        quiet = adx(candles.high, candles.low, candles.close, settings.adx_period)
        calm = quiet < settings.adx_limit
        enter_long = calm & (candles.close < bands.lower) & (strength < settings.rsi_oversold)
        enter_short = calm & (candles.close > bands.upper) & (strength > settings.rsi_overbought)
        if settings.direction == "long_only":
            enter_short = np.zeros_like(enter_short)
        return Signals.from_entries(
            enter_long=enter_long,
            enter_short=enter_short,
            stop_loss_ratio=settings.stop_loss_ratio,
            take_profit_ratio=settings.take_profit_ratio,
        )
