"""How fast the live chain deals with bars, against a bare loop over the same bars.

Times are printed and never asserted: machines differ, and this one may be busy.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from apps.execution.models import DeploymentCursor
from apps.execution.replay import ReplayRequest, ReplayResult, replay_run
from apps.execution.replay.result import trade_fills
from apps.execution.replay.run import replay_set_up
from apps.execution.runner import TickResult, deployment_tick
from apps.marketdata.domain.types import Bar
from apps.marketdata.services import candles_store
from apps.positions.domain.trades import Trade, trades_from_fills
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.strategy import decision_at_last
from apps.strategies.loading import strategy_build
from apps.strategies.models import Deployment
from tests.execution.replays import LEASE_SECONDS, request_for, workers_env
from tests.performance.bare_loop import LoopTrade, loop_trades
from tests.performance.market import SYMBOL, btc_bars

BARS = 20_000
OWNERS = {
    "brokers_paperorder": "paper venue: open orders",
    "brokers_paperreport": "broker port: new reports",
    "execution_deploymentcursor": "progress and lease",
    "positions_": "positions, ledger, equity",
    "orders_": "orders and their events",
}


@dataclass
class Statements:
    """Counts the statements of a connection and their time, by what they are for."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __call__(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, *arguments)
        finally:
            owner = next((words for table, words in OWNERS.items() if table in sql), "the rest")
            self.counts[owner] += 1
            self.seconds[owner] += time.perf_counter() - started


@pytest.mark.django_db(transaction=True)
def test_replay_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = btc_bars()[:BARS]
    request = request_for(bars=bars, strategy="bollinger_rsi", symbol=SYMBOL)
    started = time.perf_counter()
    expected = loop_trades(
        strategy=strategy_build(request.loaded, {}), instrument=request.instrument, bars=bars
    )
    loop_seconds = time.perf_counter() - started
    deployment, chain_seconds, statements = chain_run(request)
    assert in_short(trades_from_fills(trade_fills(deployment=deployment))) == expected
    result = workers_run(replace(request, name="workers"), monkeypatch)
    assert in_short(result.trades) == expected
    assert (result.bars, result.breaks, result.ledger_balanced) == (BARS, 0, True)
    print(f"\n{BARS:,} bars of {SYMBOL} 5m, bollinger_rsi, {len(expected)} trades")
    line_print("bare loop", BARS / loop_seconds, BARS / loop_seconds)
    line_print("live chain, one process", BARS / chain_seconds, BARS / loop_seconds)
    line_print("trade_replay, its start included", result.bars_per_second, BARS / loop_seconds)
    shares_print(chain_seconds, strategy_seconds(request, bars), statements)


def chain_run(request: ReplayRequest) -> tuple[Deployment, float, Statements]:
    """Deal with the bars in this process, so that statements can be counted."""
    deployment, instrument = replay_set_up(request)
    candles_store(instrument=instrument, timeframe="5m", bars=request.bars)
    statements = Statements()
    started = time.perf_counter()
    with connection.execute_wrapper(statements):
        while deployment_tick(deployment_id=deployment.pk, seconds=5) is TickResult.MORE:
            pass
    seconds = time.perf_counter() - started
    assert DeploymentCursor.objects.get(deployment=deployment).bars_seen == len(request.bars)
    return deployment, seconds, statements


def workers_run(request: ReplayRequest, monkeypatch: pytest.MonkeyPatch) -> ReplayResult:
    for name, value in workers_env().items():
        monkeypatch.setenv(name, value)
    with override_settings(LEASE_SECONDS=LEASE_SECONDS):
        return replay_run(request)


def strategy_seconds(request: ReplayRequest, bars: Sequence[Bar]) -> float:
    """Ask the strategy alone about every bar, as the chain does."""
    strategy = strategy_build(request.loaded, {})
    candles = Candles.from_bars(bars)
    started = time.perf_counter()
    for row in range(len(bars)):
        decision_at_last(strategy, candles.window(max(row + 1 - strategy.warmup_bars, 0), row + 1))
    return time.perf_counter() - started


def in_short(trades: Sequence[Trade]) -> list[LoopTrade]:
    return [
        LoopTrade(
            trade.side,
            trade.entered_at,
            trade.average_entry_price,
            trade.exited_at,
            trade.average_exit_price,
        )
        for trade in trades
    ]


def line_print(name: str, speed: float, loop_speed: float) -> None:
    print(f"  {name:34} {speed:>10,.0f} bars/s   1/{loop_speed / speed:,.0f} of the bare loop")


def shares_print(seconds: float, strategy: float, statements: Statements) -> None:
    database = sum(statements.seconds.values())
    print(f"  {statements.counts.total() / BARS:.2f} database queries a bar")
    print(f"where the chain's {1000 * seconds / BARS:.2f} ms a bar go")
    rows = [
        *((f"database: {owner}", spent) for owner, spent in statements.seconds.items()),
        ("the strategy", strategy),
        ("composing queries, values, the rest", seconds - database - strategy),
    ]
    for name, spent in sorted(rows, key=lambda row: -row[1]):
        queries = statements.counts.get(name.removeprefix("database: "))
        counted = f"{queries / BARS:8.3f} queries a bar" if queries else ""
        print(f"  {name:38} {100 * spent / seconds:5.1f} %  {counted}")
