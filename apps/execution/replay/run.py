"""Sets a replay up, drives its feed and its workers, and clears up after it."""

import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Queue

from apps.accounts.models import Broker, TradingAccount, TradingMode
from apps.accounts.services import account_deactivate
from apps.brokers.registry import gateway_for
from apps.brokers.services import paper_book_open
from apps.core.clock import standing_at, wall_now
from apps.core.supervision import Backoff, ProcessSpec, Supervisor
from apps.execution.models import DeploymentCursor
from apps.execution.replay.result import ReplayResult, result_collect
from apps.execution.services.sweeps import deployment_ids_due
from apps.execution.tasks import deployment_tick_task
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Candle, Instrument
from apps.marketdata.services import candles_store
from apps.positions.services import deposit_book
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run, reports_intake
from apps.strategies.loading import LoadedStrategy
from apps.strategies.models import Deployment, DeploymentState, SizingMethod
from apps.strategies.services import (
    deployment_create,
    deployment_start,
    deployment_stop,
    strategy_version_record,
)

FEED_BARS = 1000
AHEAD_BARS = 3000
LOOK_SECONDS = 0.1
SWEEP_SECONDS = 1.0
STALL_SECONDS = 180.0
RESTART_BACKOFF = Backoff(first_seconds=0.2, limit_seconds=2.0)


class ReplayRefused(ValueError):
    """The replay cannot be run as asked, or did not come to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What to replay.

    Attributes:
        instrument: What the bars are of; a private copy of it is traded.
        cash: Start, in the instrument's quote currency.
        fee_bps, slippage_bps, volume_cap_ratio: Terms of the paper venue.
        workers: Worker programs, each with two processes.
    """

    loaded: LoadedStrategy
    parameters: dict[str, Any]
    instrument: Instrument
    timeframe: str
    bars: Sequence[Bar]
    cash: Decimal
    fee_bps: Decimal
    slippage_bps: Decimal = Decimal(0)
    volume_cap_ratio: Decimal = Decimal(0)
    sizing_method: str = SizingMethod.FRACTION_OF_EQUITY
    sizing_value: Decimal = Decimal("0.95")
    workers: int = 1
    log_level: str = "WARNING"
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:10])


def replay_run(request: ReplayRequest) -> ReplayResult:
    """Play the bars through the live chain as fast as it goes.

    Raises:
        ReplayRefused: There are no bars, the deployment failed, or nothing moves any more.
        DeploymentRefused, ParametersRefused: The deployment cannot be made.
    """
    if not request.bars:
        raise ReplayRefused("there is no bar to replay")
    deployment, instrument = replay_set_up(request)
    try:
        seconds = _play(request, deployment, instrument)
        return result_collect(
            deployment=deployment,
            instrument=instrument,
            last_close=request.bars[-1].close,
            seconds=seconds,
            run=_reconcile(deployment, request.bars[-1]),
        )
    finally:
        _stand_down(deployment)


def _play(request: ReplayRequest, deployment: Deployment, instrument: Instrument) -> float:
    """Run the workers until the last bar is dealt with; return for how many seconds."""
    queue = f"replay-{request.name}"
    supervisor = Supervisor(
        specs=_workers(request, queue), output=sys.stderr, backoff=RESTART_BACKOFF
    )
    started = time.monotonic()
    supervisor.start()
    try:
        for name, pid in supervisor.pids().items():
            supervisor.say(f"{name} runs as process {pid}")
        _drive(request, deployment, instrument, queue)
        return time.monotonic() - started
    finally:
        supervisor.stop()
        with current_app.connection_for_write() as broker:
            Queue(queue, channel=broker.default_channel).delete()


def _reconcile(deployment: Deployment, last: Bar) -> ReconciliationRun:
    gateway = gateway_for(deployment.account)
    with standing_at(last.close_at):
        reports_intake(account=deployment.account, gateway=gateway)
        return reconciliation_run(
            account=deployment.account,
            gateway=gateway,
            trigger=ReconciliationRun.Trigger.COMMAND,
        )


@transaction.atomic
def replay_set_up(request: ReplayRequest) -> tuple[Deployment, Instrument]:
    """Open an account, reconcile it and start a deployment that waits for the first bar.

    Returns:
        The deployment, and the private copy of the instrument that it trades.
    """
    instrument = _private_copy(request.instrument, request.name)
    first = request.bars[0]
    account = TradingAccount.objects.create(
        name=f"replay-{request.name}",
        broker=Broker.PAPER,
        mode=TradingMode.PAPER,
        base_currency=instrument.quote_currency,
    )
    paper_book_open(
        account=account,
        cash=request.cash,
        fee_bps=request.fee_bps,
        slippage_bps=request.slippage_bps,
        volume_cap_ratio=request.volume_cap_ratio,
    )
    deposit_book(
        account=account,
        amount=request.cash,
        currency=instrument.quote_currency,
        source_id="start",
        occurred_at=first.open_at,
        description="Cash at the start of the replay",
    )
    deployment = deployment_create(
        name=f"replay-{request.name}",
        version=strategy_version_record(loaded=request.loaded),
        account=account,
        instruments=[instrument],
        timeframe=request.timeframe,
        parameters=request.parameters,
        sizing_method=request.sizing_method,
        sizing_value=request.sizing_value,
    )
    reconciliation_run(
        account=account,
        gateway=gateway_for(account),
        trigger=ReconciliationRun.Trigger.START,
    )
    deployment_start(deployment=deployment, reason="replay")
    DeploymentCursor.objects.create(
        deployment=deployment,
        instrument=instrument,
        bar_open_at=first.open_at - Timeframe(request.timeframe).delta,
    )
    return deployment, instrument


def _private_copy(instrument: Instrument, name: str) -> Instrument:
    """Store a copy that only this replay trades, so that no other bars or orders mix in."""
    copy = Instrument.objects.get(pk=instrument.pk)
    copy.pk = None
    copy.symbol = f"{instrument.symbol}~{name}"
    copy._state.adding = True  # noqa: SLF001  Django's documented way to copy a row
    copy.save()
    return copy


def _workers(request: ReplayRequest, queue: str) -> list[ProcessSpec]:
    command = [
        *(sys.executable, "-m", "celery", "-A", "tradingsite", "worker"),
        *("--queues", queue, "--pool", "prefork", "--concurrency", "2"),
        *("--without-gossip", "--without-mingle", f"--loglevel={request.log_level}"),
    ]
    return [
        ProcessSpec(
            name=f"worker-{number}",
            command=[*command, "--hostname", f"{queue}-{number}@%h"],
            cwd=Path(settings.BASE_DIR),
        )
        for number in range(1, request.workers + 1)
    ]


def _drive(
    request: ReplayRequest, deployment: Deployment, instrument: Instrument, queue: str
) -> None:
    """Feed bars while the workers keep up, wake them when they sleep, wait for the last bar."""
    fed = 0
    seen, moved_at, swept_at = -1, time.monotonic(), 0.0
    while True:
        done = _bars_done(deployment)
        if done != seen:
            seen, moved_at = done, time.monotonic()
        if done >= len(request.bars):
            return
        if fed < len(request.bars) and fed - done < AHEAD_BARS:
            candles_store(
                instrument=instrument,
                timeframe=request.timeframe,
                bars=request.bars[fed : fed + FEED_BARS],
            )
            fed = min(fed + FEED_BARS, len(request.bars))
            deployment_tick_task.apply_async(args=(deployment.pk,), queue=queue)
            continue
        _alive_require(deployment, time.monotonic() - moved_at, done)
        if time.monotonic() - swept_at >= SWEEP_SECONDS:
            swept_at = time.monotonic()
            if deployment.pk in deployment_ids_due(moment=wall_now()):
                deployment_tick_task.apply_async(args=(deployment.pk,), queue=queue)
        time.sleep(LOOK_SECONDS)


def _bars_done(deployment: Deployment) -> int:
    seen = DeploymentCursor.objects.filter(deployment=deployment)
    return seen.values_list("bars_seen", flat=True).first() or 0


def _alive_require(deployment: Deployment, still_seconds: float, done: int) -> None:
    deployment.refresh_from_db(fields=["state", "state_reason"])
    if deployment.state != DeploymentState.RUNNING:
        raise ReplayRefused(
            f"the deployment is {deployment.state} after {done} bars: {deployment.state_reason}"
        )
    if still_seconds > STALL_SECONDS:
        raise ReplayRefused(
            f"no bar was dealt with for {still_seconds:.0f} seconds after {done} bars; "
            "see the workers' lines above"
        )


def _stand_down(deployment: Deployment) -> None:
    """Leave the books to be read, and nothing that trades, is reconciled or takes room."""
    reason = "the replay has ended"
    deployment.refresh_from_db(fields=["state"])
    if deployment.state == DeploymentState.RUNNING:
        deployment_stop(deployment=deployment, reason=reason)
    account_deactivate(account=deployment.account, reason=reason)
    for instrument in deployment.instruments.all():
        Candle.objects.filter(instrument=instrument).delete()
