"""The strategies of the library decide the same live and offline, and never look ahead."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from django.conf import settings
from numpy.typing import NDArray

from apps.strategies.domain.candles import OPEN_AT_DTYPE, Candles
from apps.strategies.domain.signals import Decision, decision_at
from apps.strategies.domain.strategy import (
    Signals,
    Strategy,
    StrategyParameters,
    decision_at_last,
    signals_over,
)
from apps.strategies.loading import strategy_build, strategy_load
from tests.strategies.library_cases import STRATEGIES
from tests.strategies.markets import candles, candles_of


def built(name: str, parameters: dict[str, Any]) -> Strategy[Any]:
    return strategy_build(strategy_load(name), parameters)


def decisions_live(strategy: Strategy[Any], market: Candles) -> list[Decision | None]:
    """Ask bar by bar, each time with exactly the warm-up."""
    rows = range(len(market))
    return [
        decision_at_last(strategy, market.window(max(row + 1 - strategy.warmup_bars, 0), row + 1))
        for row in rows
    ]


def decisions_offline(strategy: Strategy[Any], market: Candles) -> list[Decision | None]:
    """Ask once about everything."""
    signals = signals_over(strategy, market)
    return [decision_at(signals, row, close=market.close[row]) for row in range(len(market))]


@pytest.mark.parametrize(("name", "parameters"), STRATEGIES)
def test_decisions_bar_by_bar_are_those_over_the_whole_history(
    name: str, parameters: dict[str, Any]
) -> None:
    strategy, market = built(name, parameters), candles(2500, seed=11)
    live, offline = decisions_live(strategy, market), decisions_offline(strategy, market)
    assert live == offline
    if (name, parameters) != ("bollinger_rsi", {}):  # rare on made-up bars; see freqtrade's below
        assert sum(decision is not None for decision in live) > 10


class Cheat(Strategy[StrategyParameters]):
    """Buys before it rises."""

    Parameters = StrategyParameters

    @property
    def warmup_bars(self) -> int:
        return 2

    def signals(self, candles: Candles) -> Signals:
        rises: NDArray[np.bool_] = np.append(np.diff(candles.close) > 0, False)
        return Signals.from_entries(enter_long=rises)


def test_strategy_that_looks_ahead_is_found_out_by_the_comparison() -> None:
    cheat, market = Cheat(StrategyParameters()), candles(100)
    assert decisions_live(cheat, market) != decisions_offline(cheat, market)


def test_cross_is_wanted_on_the_crossing_bar_alone() -> None:
    strategy = built("moving_average_cross", {"fast": 1, "slow": 2})
    market = candles_of(10, 9, 11, 12, 12, 10, 9)
    actions = [decision and decision.action for decision in decisions_live(strategy, market)]
    assert actions == [None, None, "ENTER_LONG", None, None, "ENTER_SHORT", None]


def test_trend_is_wanted_on_every_bar_of_it() -> None:
    strategy = built("moving_average_cross", {"fast": 1, "slow": 2, "enter": "in_trend"})
    actions = [
        decision and decision.action
        for decision in decisions_live(strategy, candles_of(10, 9, 11, 12, 12, 10))
    ]
    assert actions == [None, None, "ENTER_LONG", "ENTER_LONG", None, "ENTER_SHORT"]


def test_long_only_leaves_the_market_instead_of_turning() -> None:
    strategy = built("moving_average_cross", {"fast": 1, "slow": 2, "direction": "long_only"})
    actions = [
        decision and decision.action
        for decision in decisions_live(strategy, candles_of(10, 9, 11, 10))
    ]
    assert actions == [None, None, "ENTER_LONG", "EXIT"]


def test_bollinger_rsi_never_turns_a_position() -> None:
    assert built("bollinger_rsi", {}).reverses is False
    assert built("bollinger_rsi", {}).warmup_bars == 611


FREQTRADE = Path(settings.MARKET_DATA_DIR) / "reference" / "freqtrade_BollingerRsi_result.json.gz"
BYBIT = Path(settings.MARKET_DATA_DIR) / "bybit"


@pytest.mark.skipif(not BYBIT.is_dir(), reason=f"{BYBIT} is missing; see MARKET_DATA_DIR")
def test_bollinger_rsi_wants_every_entry_that_freqtrade_took_on_the_same_bars() -> None:
    result = json.loads(gzip.decompress(FREQTRADE.read_bytes()))
    trades = result["strategy"]["BollingerRsiScalper"]["trades"]
    strategy = built("bollinger_rsi", {})
    unready = 0
    for coin in sorted({trade["pair"].split("/")[0] for trade in trades}):
        market = bybit_candles(coin)
        wanted = signals_over(strategy, market).enter_long
        for trade in (trade for trade in trades if trade["pair"].startswith(f"{coin}/")):
            entered = np.datetime64(trade["open_date"].removesuffix("+00:00"), "us")
            row = int(np.searchsorted(market.open_at, entered)) - 1  # it entered at the next open
            if row < strategy.warmup_bars - 1:
                unready += 1  # freqtrade asks its indicators before they have settled
            else:
                assert wanted[row], f"{coin} {trade['open_date']}"
    assert (len(trades), unready) == (578, 3)


def bybit_candles(coin: str) -> Candles:
    frame = pl.read_ipc(BYBIT / f"{coin}USDT_linear_5m_20250924_20260721.feather")
    times = frame["date"].dt.replace_time_zone(None).to_numpy().astype(OPEN_AT_DTYPE)
    columns = (frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    return Candles(times, *columns)
