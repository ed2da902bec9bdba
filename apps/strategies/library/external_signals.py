"""Stands for a strategy that runs elsewhere and sends its signals to the desk's webhook."""

from typing import Literal

import numpy as np
from pydantic import Field

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Ratio, Signals, Strategy, StrategyParameters


class ExternalSignalsParameters(StrategyParameters):
    """What can be set."""

    direction: Literal["both", "long_only"] = Field(
        default="both", description="What a sell means without a position: go short, or stay out"
    )
    stop_loss_ratio: Ratio | None = Field(default=None, description="0.01: stop 1 % away")
    take_profit_ratio: float | None = Field(default=None, gt=0, description="0.02: take 2 %")


class ExternalSignals(Strategy[ExternalSignalsParameters]):
    """Wants nothing by itself on any bar: what it wants arrives from outside.

    A backtest of it trades nothing, since nobody can say what the other side would have sent.
    """

    Parameters = ExternalSignalsParameters
    name = "external_signals"
    title = "Signals from outside, by webhook"

    @property
    def warmup_bars(self) -> int:
        """One bar; it is not looked at."""
        return 1

    def signals(self, candles: Candles) -> Signals:
        """Keep what there is, on every bar."""
        return Signals.from_target(np.full(len(candles), np.nan))
