"""Reads what a backtest runs on, runs it, and stores what came of it."""

from apps.backtesting.services.histories import (
    candles_between,
    candles_load,
    funding_load,
    instrument_terms,
    marks_load,
)
from apps.backtesting.services.recording import backtest_record
from apps.backtesting.services.requests import BacktestRequest, BacktestResult, backtest_request_run

__all__ = [
    "BacktestRequest",
    "BacktestResult",
    "backtest_record",
    "backtest_request_run",
    "candles_between",
    "candles_load",
    "funding_load",
    "instrument_terms",
    "marks_load",
]
