"""A trader's own file, for tests: what to be stands behind the point of each close."""

import numpy as np

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters

LONG, SHORT, EXIT, LONG_BELOW, FAULT = 25, 50, 75, 35, 66


class ByPriceParameters(StrategyParameters):
    """Exits of every entry."""

    stop_loss_ratio: float | None = None
    take_profit_ratio: float | None = None


class ByPrice(Strategy[ByPriceParameters]):
    """Closes of 100.25 mean long, .50 short, .75 flat, .35 long at 1 % less or better."""

    Parameters = ByPriceParameters

    @property
    def warmup_bars(self) -> int:
        """One close says it all."""
        return 1

    def signals(self, candles: Candles) -> Signals:
        """Read the cents."""
        cents = np.round(candles.close * 100).astype(np.int64) % 100
        if (cents == FAULT).any():
            raise ZeroDivisionError("a close of .66 breaks it")
        return Signals.from_entries(
            enter_long=(cents == LONG) | (cents == LONG_BELOW),
            enter_short=cents == SHORT,
            exit=cents == EXIT,
            limit_price=np.where(cents == LONG_BELOW, candles.close * 0.99, np.nan),
            stop_loss_ratio=self.parameters.stop_loss_ratio,
            take_profit_ratio=self.parameters.take_profit_ratio,
        )
