"""A whole replay through real Celery workers."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from apps.accounts.models import TradingAccount
from apps.execution.management.commands import trade_replay
from apps.execution.replay import ReplayRefused, driving, replay_run
from apps.marketdata.models import Candle
from apps.reconciliation.models import ReconciliationRun
from apps.strategies.models import Deployment, DeploymentState
from tests.execution.chain import BY_PRICE, bars_of
from tests.execution.kills import WorkerKiller
from tests.execution.replays import (
    LEASE_SECONDS,
    comparable,
    file_write,
    generated,
    request_for,
    trades_require,
    workers_env,
)

pytestmark = pytest.mark.django_db(transaction=True)

BARS = 500
KILLS = 4


@pytest.fixture(autouse=True)
def workers_on_this_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in workers_env().items():
        monkeypatch.setenv(name, value)
    with override_settings(LEASE_SECONDS=LEASE_SECONDS):
        yield


@pytest.mark.slow
def test_replay_whose_workers_are_killed_comes_to_the_same_books() -> None:
    request = request_for(
        bars=generated(BARS),
        strategy="moving_average_cross",
        fast=3,
        slow=9,
        stop_loss_ratio=0.004,
        take_profit_ratio=0.006,
    )
    undisturbed = replay_run(request)
    assert (undisturbed.bars, undisturbed.breaks) == (BARS, 0)
    assert undisturbed.ledger_balanced
    assert undisturbed.reconciliation == ReconciliationRun.Result.MATCHED
    assert len(undisturbed.trades) > 30
    trades_require(undisturbed, replay=request.name)
    again = replace(request, name="killed")
    with WorkerKiller(replay=again.name, bars=BARS, kills=KILLS, seed=3) as killer:
        disturbed = replay_run(again)
    assert len(killer.victims) == KILLS
    assert comparable(disturbed) == comparable(undisturbed)


def test_replay_leaves_its_books_and_nothing_that_runs() -> None:
    request = request_for(bars=bars_of("100.25", "101.00", "103.75", "102.00"), strategy=BY_PRICE)
    result = replay_run(request)
    assert (result.signals, result.orders, result.fills) == (2, 2, 2)
    assert result.final_equity > Decimal(10_000)
    assert Deployment.objects.get().state == DeploymentState.STOPPED
    assert not TradingAccount.objects.get().is_active
    assert not Candle.objects.exists()
    assert not [child for child in psutil.Process().children() if "celery" in child.cmdline()]


def test_replay_of_a_strategy_that_fails_says_where_and_why() -> None:
    request = request_for(bars=bars_of("100.00", "101.00", "100.66"), strategy=BY_PRICE)
    with pytest.raises(ReplayRefused, match=r"FAILED after 2 bars: .*a close of \.66 breaks it"):
        replay_run(request)
    assert Deployment.objects.get().state == DeploymentState.FAILED
    assert not TradingAccount.objects.get().is_active


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_replay_that_is_interrupted_says_how_far_it_was_and_leaves_nothing_that_runs(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bars_done, handler = driving._bars_done, signal.getsignal(number)

    def interrupting(deployment: Deployment) -> int:
        if done := bars_done(deployment):
            signal.raise_signal(number)
        return done

    monkeypatch.setattr(driving, "_bars_done", interrupting)
    monkeypatch.setattr(driving, "TELL_SECONDS", 0)
    request = request_for(bars=bars_of("100.25", "101.00", "103.75", "102.00"), strategy=BY_PRICE)
    with pytest.raises(ReplayRefused, match=f"{number.name} interrupted the replay after"):
        replay_run(request)
    deployment = Deployment.objects.get()
    assert deployment.state == DeploymentState.STOPPED
    assert f"{number.name} interrupted the replay" in deployment.state_reason
    assert not TradingAccount.objects.get().is_active
    assert not [child for child in psutil.Process().children() if "celery" in child.cmdline()]
    assert "of 4 bars" in capfd.readouterr().err
    assert signal.getsignal(number) is handler


def test_replay_without_bars_is_refused_and_nothing_is_kept() -> None:
    with pytest.raises(ReplayRefused, match="there is no bar to replay"):
        replay_run(request_for(bars=[], strategy=BY_PRICE))
    assert not Deployment.objects.exists()


def test_command_tells_a_person_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    candles = file_write(tmp_path / "bars.csv", ("100.25", "101.00", "103.75", "102.00", "100.50"))
    arguments = ["--instrument=DEMO:AURUM.P", "--timeframe=5m", f"--candles={candles}"]
    call_command("trade_replay", f"--strategy={BY_PRICE}", *arguments)
    printed = capsys.readouterr().out
    assert "5 bars, 3 signals, 3 orders, 2 fills, 1 trades in" in printed
    assert "reconciliation MATCHED, 0 breaks; ledger balances" in printed
    assert "2026-03-02 00:05 at" in printed
    assert "EXIT" in printed


def test_command_whose_books_do_not_hold_ends_with_status_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = replay_run(request_for(bars=bars_of("100.25", "101.00"), strategy=BY_PRICE))
    broken = replace(result, breaks=1)
    monkeypatch.setattr(trade_replay, "replay_run", lambda _request: broken)
    candles = file_write(tmp_path / "bars.csv", ("100.25", "101.00"))
    arguments = ["--instrument=DEMO:AURUM.P", "--timeframe=5m", f"--candles={candles}"]
    with pytest.raises(CommandError, match="the books do not hold: 1 breaks") as ended:
        call_command("trade_replay", f"--strategy={BY_PRICE}", "--json", *arguments)
    assert ended.value.returncode == 3
