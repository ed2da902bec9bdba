"""The long form of two promises: a whole file with twenty kills, and a kill at every statement."""

from dataclasses import replace

import pytest
from django.test import override_settings

from apps.execution.replay import replay_run
from tests.execution.chain import tick
from tests.execution.kills import WorkerKiller
from tests.execution.processes import books, deployment_new, statements_of
from tests.execution.replays import (
    LEASE_SECONDS,
    comparable,
    request_for,
    trades_require,
    workers_env,
)
from tests.execution.test_killed_workers import kills_compare
from tests.performance.market import SYMBOL, btc_bars

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = 20


def test_whole_file_with_workers_killed_comes_to_the_same_books(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in workers_env().items():
        monkeypatch.setenv(name, value)
    bars = btc_bars()
    request = request_for(bars=bars, strategy="bollinger_rsi", symbol=SYMBOL)
    with override_settings(LEASE_SECONDS=LEASE_SECONDS):
        undisturbed = replay_run(replace(request, name="undisturbed"))
        trades_require(undisturbed, replay="undisturbed")
        killer = WorkerKiller(replay="killed", bars=len(bars), kills=KILLS, seed=1)
        with killer:
            disturbed = replay_run(replace(request, name="killed", workers=2))
    for result in (undisturbed, disturbed):
        print(
            f"\n{result.bars} bars, {result.orders} orders, {len(result.trades)} trades, "
            f"{result.breaks} breaks, ledger balanced: {result.ledger_balanced}, "
            f"{result.seconds:.0f} s, fingerprint {result.fingerprint}"
        )
    print(f"killed: {', '.join(killer.victims)}")
    assert (undisturbed.bars, undisturbed.breaks, undisturbed.ledger_balanced) == (86_604, 0, True)
    assert len(killer.victims) == KILLS
    assert comparable(disturbed) == comparable(undisturbed)


def test_worker_killed_at_every_single_statement_changes_neither_orders_nor_books() -> None:
    undisturbed = deployment_new("undisturbed")
    steps = statements_of(lambda: tick(undisturbed))
    print(f"\nkilling at each of {steps} statements")
    kills_compare(range(1, steps), books(undisturbed))
