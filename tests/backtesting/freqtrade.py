"""A freqtrade backtest of eight instruments, and our run under the same terms."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from apps.backtesting.domain.run import BacktestRun, backtest_run
from apps.backtesting.domain.terms import History, TradingTerms
from apps.backtesting.services import candles_load, funding_load, instrument_terms, marks_load
from apps.strategies.domain.candles import Candles
from apps.strategies.library.bollinger_rsi import BollingerRsi, BollingerRsiParameters
from tests.marketdata.shared_files import shared_file

COINS = ("BTC", "ETH", "SOL", "BNB", "ADA", "AAVE", "AVAX", "APE")
MARKED = ("BTC", "ETH", "SOL")
"""Those whose mark prices are at hand; the others pay funding on the traded open."""
_SPAN = "20250924_20260721"


class WithoutWarmup(BollingerRsi):
    """freqtrade traded from the first bar on which the indicators have a value."""

    @property
    def warmup_bars(self) -> int:
        return 1


def reference_trades() -> list[dict[str, Any]]:
    path = shared_file("reference/freqtrade_BollingerRsi_result.json.gz")
    with gzip.open(path) as file:
        (strategy,) = json.load(file)["strategy"].values()
    trades: list[dict[str, Any]] = strategy["trades"]
    return sorted(trades, key=lambda trade: (trade["open_timestamp"], _place(trade["pair"])))


def our_run() -> BacktestRun:
    parameters = BollingerRsiParameters(direction="long_only")
    histories = [history_of(coin) for coin in COINS]
    return backtest_run(
        strategy=WithoutWarmup(parameters),
        histories=histories,
        terms=TradingTerms(
            cash=Decimal(1000),
            fee_bps=Decimal(6),
            sizing_value=Decimal("0.33"),
            tied_ratio=Decimal("0.99"),
            sized_at="FILL",
            equity_basis="REALIZED",
            maximum_open=3,
            target_is_net=True,
            holding_first=True,
            rounding_tolerance=0.0,
        ),
        chunk_rows=len(histories[0].candles),
    )


def history_of(coin: str) -> History:
    symbol = f"BYBIT:{coin}USDT.P"
    path = shared_file(f"bybit/{coin}USDT_linear_5m_{_SPAN}.feather")
    candles, note = candles_load(path=path, symbol=symbol, timeframe="5m")
    assert not note
    funding = funding_load(path=shared_file(f"bybit/{coin}USDT_linear_funding_{_SPAN}.feather"))
    if coin in MARKED:
        mark = shared_file(f"bybit/{coin}USDT_linear_1h_mark_{_SPAN}.feather")
        funding = marks_load(path=mark, funding=funding)
    first, *changes = ticks_by_month(candles)
    terms = instrument_terms(symbol=symbol)
    values = {name: getattr(terms, name) for name in ("symbol", "lot_size", "minimum_notional")}
    return History(
        terms=type(terms)(**values, tick_size=first[1], tick_changes=tuple(changes)),
        candles=candles,
        funding=funding,
    )


def ticks_by_month(candles: Candles) -> list[tuple[datetime, Decimal]]:
    """Return the tick of each month as freqtrade sees it: the most decimals of its prices."""
    months = candles.open_at.astype("datetime64[M]")
    found = []
    for month in np.unique(months):
        rows = months == month
        prices = [getattr(candles, name)[rows] for name in ("open", "high", "low", "close")]
        texts = pl.Series(np.concatenate(prices)).cast(pl.String).str.strip_suffix(".0")
        decimals = max(texts.str.extract(r"\.(\d+)$").str.len_chars().fill_null(0).to_list())
        start = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
        found.append((start, Decimal(1).scaleb(-decimals)))
    return found


def _place(pair: str) -> int:
    return COINS.index(pair.split("/", maxsplit=1)[0])
