"""Runs a deployment for a while: takes the lease, settles leftovers, deals with every bar due."""

import logging
import time
from enum import StrEnum

from apps.brokers.registry import BrokerNotAvailable
from apps.execution.pipeline import bar_deal, external_signals_deal
from apps.execution.selectors import bars_wait
from apps.execution.services.closing import closings_carry_out
from apps.execution.services.leases import (
    LeaseLost,
    holder_name,
    lease_acquire,
    lease_release,
)
from apps.execution.services.recovery import leftovers_settle
from apps.execution.services.runs import DeploymentRun, hold_open, run_open
from apps.execution.services.sweeps import deployment_winds_down
from apps.execution.services.ticks import bars_due, cursors_begin
from apps.execution.services.winding_down import wind_down
from apps.orders.domain.ports import BrokerError
from apps.strategies.domain.strategy import StrategyFault
from apps.strategies.loading import ParametersRefused, StrategyUnloadable
from apps.strategies.models import Deployment, DeploymentState
from apps.strategies.services import deployment_fail

log = logging.getLogger(__name__)


class TickResult(StrEnum):
    """How a tick ended.

    DONE: every bar that was there is dealt with. MORE: time was up; go on at once. WAITING: an
    order's outcome or the broker is waited for. IDLE: not to be run, or another worker runs it.
    """

    DONE = "DONE"
    MORE = "MORE"
    WAITING = "WAITING"
    IDLE = "IDLE"


def deployment_tick(*, deployment_id: int, seconds: float) -> TickResult:
    """Run a deployment until its bars are dealt with or the time is up.

    One that does not trade is wound down instead, as far as there is anything to do.

    Harmless at any time and in any number of workers: the lease lets one of them act.
    """
    deployment = _deployment_due(deployment_id)
    if deployment is None:
        return TickResult.IDLE
    epoch = lease_acquire(deployment=deployment, holder=holder_name())
    if epoch is None:
        return TickResult.IDLE
    try:
        return _tick(deployment, epoch, seconds)
    except LeaseLost as lost:
        log.warning("%s: %s", deployment, lost)
        return TickResult.IDLE
    except BrokerError as error:
        log.warning("%s waits for its broker: %s: %s", deployment, type(error).__name__, error)
        return TickResult.WAITING
    except (StrategyFault, ParametersRefused, StrategyUnloadable, BrokerNotAvailable) as fault:
        log.error("%s failed: %s", deployment, fault)  # noqa: TRY400  the sentence says it all
        deployment_fail(deployment=deployment, reason=str(fault))
        return TickResult.IDLE
    finally:
        lease_release(deployment_id=deployment.pk, epoch=epoch)


def _deployment_due(deployment_id: int) -> Deployment | None:
    """Return the deployment if it trades, or has left something that must be seen to."""
    deployments = Deployment.objects.select_related("account", "version")
    # The source is read once per process, see ``run_open``
    lean = deployments.defer("version__source", "version__parameters_schema")
    found = lean.filter(pk=deployment_id).order_by().first()
    if found is None or found.state == DeploymentState.RUNNING:
        return found
    return found if deployment_winds_down(deployment=found) else None


def _tick(deployment: Deployment, epoch: int, seconds: float) -> TickResult:
    if deployment.state == DeploymentState.RUNNING:
        return _run(run_open(deployment=deployment, epoch=epoch), seconds)
    is_done = wind_down(run=hold_open(deployment=deployment, epoch=epoch))
    return TickResult.DONE if is_done else TickResult.WAITING


def _run(run: DeploymentRun, seconds: float) -> TickResult:
    deadline = time.monotonic() + seconds
    if not leftovers_settle(run=run) or not external_signals_deal(run=run):
        return TickResult.WAITING
    cursors_begin(run=run)
    try:
        result = _bars_deal(run, deadline)
    except (StrategyFault, BrokerError):
        run.progress.note()
        raise
    run.progress.note()
    if result is TickResult.DONE and bars_wait(deployment=run.deployment):
        return TickResult.MORE
    if result is TickResult.DONE and run.closings:
        closings_carry_out(run=run)  # no bar may come any more; what is left the sweep finds
    return result


def _bars_deal(run: DeploymentRun, deadline: float) -> TickResult:
    for due in bars_due(run=run):
        if not bar_deal(run=run, instrument=due.instrument, bar=due.bar, candles=due.candles):
            return TickResult.WAITING
        if time.monotonic() >= deadline:
            return TickResult.MORE
    return TickResult.DONE
