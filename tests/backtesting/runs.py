"""Small histories and strategies that want what a test says."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from apps.backtesting.domain.run import BacktestRun, backtest_run
from apps.backtesting.domain.terms import FundingRates, History, InstrumentTerms, TradingTerms
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import Signals, Strategy, StrategyParameters

D = Decimal
START = np.datetime64("2026-01-01T00:00:00", "us")
BAR = np.timedelta64(5, "m")


class Scripted(Strategy[StrategyParameters]):
    """Wants on each bar what it is told: 1, -1, 0 for flat, NaN to keep."""

    Parameters = StrategyParameters

    def __init__(self, wanted: Sequence[float], **more: Any) -> None:
        super().__init__(StrategyParameters())
        self.wanted, self.more = np.array(wanted, dtype=np.float64), more

    @property
    def warmup_bars(self) -> int:
        return 1

    def signals(self, candles: Candles) -> Signals:
        first = int((candles.open_at[0] - START) / BAR)
        rows = slice(first, first + len(candles))
        more = {
            name: value[rows] if isinstance(value, np.ndarray) else value
            for name, value in self.more.items()
        }
        return Signals.from_target(self.wanted[rows], **more)


def candles_of(*bars: tuple[float, float, float, float], volume: float = 1000.0) -> Candles:
    """Build bars from (open, high, low, close)."""
    opened, high, low, close = (each.copy() for each in np.array(bars, dtype=np.float64).T)
    times = START + np.arange(len(bars)) * BAR
    volumes = np.full(len(bars), volume)
    return Candles(times, opened, high, low, close, volumes, bar_seconds=300)


def flat(price: float) -> tuple[float, float, float, float]:
    return (price, price, price, price)


def terms_of(symbol: str = "T:ONE", **changes: Any) -> InstrumentTerms:
    values: dict[str, Any] = {"tick_size": D("0.1"), "lot_size": D("0.001")}
    return InstrumentTerms(symbol=symbol, **{**values, **changes})


def trading(**changes: Any) -> TradingTerms:
    values: dict[str, Any] = {
        "cash": D(10_000),
        "fee_bps": D(0),
        "sizing_method": "FIXED_QUANTITY",
        "sizing_value": D(1),
    }
    return TradingTerms(**{**values, **changes})


def run_of(
    candles: Candles,
    wanted: Sequence[float],
    *,
    funding: FundingRates | None = None,
    instrument: InstrumentTerms | None = None,
    more: dict[str, Any] | None = None,
    **terms: Any,
) -> BacktestRun:
    return backtest_run(
        strategy=Scripted(wanted, **(more or {})),
        histories=[History(terms=instrument or terms_of(), candles=candles, funding=funding)],
        terms=trading(**terms),
    )
