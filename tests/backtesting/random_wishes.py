"""A strategy that wants something else all the time, drawn from the prices alone."""

import numpy as np

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters


class RandomWishes(Strategy[StrategyParameters]):
    """Enters, turns, leaves and waits by limit, with and without exits, as the close's digits say.

    Reproducible from any window, as a strategy must be.
    """

    Parameters = StrategyParameters
    name = "random_wishes"

    @property
    def warmup_bars(self) -> int:
        """The bar itself."""
        return 1

    def signals(self, candles: Candles) -> Signals:
        """Draw from the bar's own prices."""
        digits = (np.round(candles.close * 10) * 7919 + np.round(candles.high * 10)) % 1000
        wanted = np.select([digits < 120, digits < 240, digits < 320], [1.0, -1.0, 0.0], np.nan)
        by_limit = (digits % 3) == 0
        offset = np.where(wanted > 0, 0.9993, 1.0007)
        near = (digits % 50) / 10_000 + 0.0005
        return Signals.from_target(
            wanted,
            stop_loss_ratio=np.where(digits % 2 == 0, near, np.nan),
            take_profit_ratio=np.where(digits % 5 == 0, near * 1.5, np.nan),
            limit_price=np.where(by_limit, candles.close * offset, np.nan),
        )
