"""Sets a replay up, drives its feed and its workers, and clears up after it."""

import sys
import time
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Queue

from apps.accounts.models import Broker, TradingAccount, TradingMode
from apps.accounts.services import account_deactivate
from apps.brokers.registry import gateway_for
from apps.brokers.services import paper_book_open
from apps.core.clock import standing_at
from apps.core.supervision import Backoff, ProcessSpec, Supervisor
from apps.execution.models import DeploymentCursor
from apps.execution.replay.driving import Interruption, interruption_noted, replay_drive
from apps.execution.replay.request import ReplayRefused, ReplayRequest
from apps.execution.replay.result import ReplayResult, result_collect
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Candle, Instrument
from apps.positions.services import deposit_book
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run, reports_intake
from apps.strategies.models import Deployment, DeploymentState
from apps.strategies.services import (
    deployment_create,
    deployment_start,
    deployment_stop,
    strategy_version_record,
)

RESTART_BACKOFF = Backoff(first_seconds=0.2, limit_seconds=2.0)


def replay_run(request: ReplayRequest) -> ReplayResult:
    """Play the bars through the live chain as fast as it goes.

    Raises:
        ReplayRefused: There are no bars, a signal interrupted it, the deployment failed, or
            nothing moves any more. Whatever was set up is stopped with that reason.
        DeploymentRefused, ParametersRefused: The deployment cannot be made.
    """
    if not request.bars:
        raise ReplayRefused("there is no bar to replay")
    with interruption_noted() as interruption:
        return _run(request, interruption)


def _run(request: ReplayRequest, interruption: Interruption) -> ReplayResult:
    deployment, instrument = replay_set_up(request)
    reason = "the replay has ended"
    try:
        seconds = _play(request, deployment, instrument, interruption)
        return result_collect(
            deployment=deployment,
            instrument=instrument,
            last_close=request.bars[-1].close,
            seconds=seconds,
            run=_reconcile(deployment, request.bars[-1]),
        )
    except ReplayRefused as refusal:
        reason = str(refusal)
        raise
    finally:
        _stand_down(deployment, reason)


def _play(
    request: ReplayRequest,
    deployment: Deployment,
    instrument: Instrument,
    interruption: Interruption,
) -> float:
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
        replay_drive(
            request=request,
            deployment=deployment,
            instrument=instrument,
            queue=queue,
            say=supervisor.say,
            interruption=interruption,
        )
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


def _stand_down(deployment: Deployment, reason: str) -> None:
    """Leave the books to be read, and nothing that trades, is reconciled or takes room."""
    deployment.refresh_from_db(fields=["state"])
    if deployment.state == DeploymentState.RUNNING:
        deployment_stop(deployment=deployment, reason=reason)
    account_deactivate(account=deployment.account, reason=reason)
    for instrument in deployment.instruments.all():
        Candle.objects.filter(instrument=instrument).delete()
