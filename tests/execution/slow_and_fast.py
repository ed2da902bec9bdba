"""A trader's own file, for tests: trades five minutes where the hour agrees."""

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import sma
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters
from apps.strategies.domain.timeframes import aligned, higher_warmup, resampled

HOURS, BARS = 3, 4


class SlowAndFast(Strategy[StrategyParameters]):
    """Long above both averages, flat below the fast one, short below both."""

    Parameters = StrategyParameters
    timeframes = ("5m",)

    @property
    def warmup_bars(self) -> int:
        """Three finished hours at any moment."""
        return max(higher_warmup(timeframe="1h", bars=HOURS, base="5m"), BARS)

    def signals(self, candles: Candles) -> Signals:
        """Compare the close with the averages of both timeframes."""
        hourly = resampled(candles, "1h")
        slow = aligned(sma(hourly.close, HOURS), higher=hourly, candles=candles)
        fast = sma(candles.close, BARS)
        close = candles.close
        return Signals.from_entries(
            enter_long=(close > fast) & (close > slow),
            enter_short=(close < fast) & (close < slow),
            exit=(close < fast) & (close >= slow),
        )
