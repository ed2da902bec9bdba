"""Rows of apps.backtesting."""

from datetime import timedelta

import factory

from apps.backtesting.models import Backtest
from tests.factories.base import RowFactory
from tests.factories.strategies import START, StrategyVersionFactory


class BacktestFactory(RowFactory[Backtest]):
    class Meta:
        model = Backtest

    version = factory.SubFactory(StrategyVersionFactory)
    parameters = factory.LazyFunction(dict)
    instruments = factory.LazyFunction(lambda: ["BYBIT:BTCUSDT.P"])
    timeframe = "5m"
    first_open_at = START
    last_open_at = START + timedelta(days=1)
    data_sha256 = "0" * 64
    loop_sha256 = "1" * 64
    terms = factory.LazyFunction(lambda: {"cash": "10000"})
    statistics = factory.LazyFunction(lambda: {"trades": 0, "return_ratio": 0.01, "sharpe": 1.5})
    trades = factory.LazyFunction(list)
