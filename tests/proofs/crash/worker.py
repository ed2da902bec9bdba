"""A worker's process: started with a bootstrap of its own, it works what the sweep finds."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from django.utils import timezone

from apps.core.clock import wall_now
from apps.execution.models import AccountLease, DeploymentLease
from apps.execution.runner import TickResult
from apps.execution.services.sweeps import account_ids_due, deployment_ids_due
from apps.execution.tasks import account_tick_task, deployment_tick_task
from tests.execution.processes import fork
from tests.proofs.crash.steps import Step
from tests.proofs.crash.traps import Trap
from tradingsite.celery import app

PATIENCE_SECONDS = 20.0
GAP_SECONDS = 0.03
"""Between two looks of the sweep, which beat lets be seconds."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a worker is to die: at one pass of a step, from 1."""

    step: Step
    at_pass: int


class WorkerFailed(RuntimeError):
    """A worker's process ended by an error: its own, or because its work did not come to rest."""


class WorkerStart(Protocol):
    """Lets a worker's process bring one account and its deployment to rest."""

    def __call__(
        self, *, account_id: int, deployment_id: int | None, kill: Kill | None = None
    ) -> bool:
        """Return whether the process was killed, as ``kill`` wants."""


def worker_run(*, account_id: int, deployment_id: int | None, kill: Kill | None = None) -> bool:
    """Work one account, and its deployment, in a process of its own until both are at rest.

    Its messages are lost: what is to be done is found by the product's own sweep alone.

    Returns:
        Whether the process was killed, as ``kill`` wants; it was not when it came to rest.

    Raises:
        WorkerFailed: It ended otherwise.
    """

    def work() -> None:
        _bootstrap(kill)
        rest_reach(account_id=account_id, deployment_id=deployment_id)

    pid = fork(work)
    _, status = os.waitpid(pid, 0)
    if status == signal.SIGKILL:
        _leases_expire(pid)
        return True
    if status != 0:
        raise WorkerFailed(f"the worker of account {account_id} ended with status {status}")
    return False


def _bootstrap(kill: Kill | None) -> None:
    celery: Any = app
    celery.conf.broker_url = "memory://localhost"
    celery._after_fork()  # else it would write to the connections of the test run
    if kill is not None:
        Trap(kill.step, at_pass=kill.at_pass).install()


def rest_reach(*, account_id: int, deployment_id: int | None) -> None:
    """Carry out the tasks that the sweep names, until it names none or twice in turn in vain.

    Raises:
        WorkerFailed: It takes too long.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    quiet_looks = 0
    while quiet_looks < 2 and (due := _due(account_id, deployment_id)):
        if time.monotonic() > deadline:
            raise WorkerFailed(f"account {account_id} did not come to rest")
        results = [task(owner) for task, owner in due]
        is_quiet = all(result == TickResult.DONE for result in results)
        quiet_looks = quiet_looks + 1 if is_quiet else 0
        time.sleep(0 if is_quiet else GAP_SECONDS)


def _due(account_id: int, deployment_id: int | None) -> list[tuple[Callable[[int], str], int]]:
    """Return the tasks of this lane that the sweep would send now."""
    moment = wall_now()
    due: list[tuple[Callable[[int], str], int]] = []
    if deployment_id is not None and deployment_id in deployment_ids_due(moment=moment):
        due.append((deployment_tick_task, deployment_id))
    if account_id in account_ids_due(moment=moment):
        due.append((account_tick_task, account_id))
    return due


def _leases_expire(pid: int) -> None:
    """Let the lease time of a process that is dead have passed, and of no other."""
    long_ago = timezone.now() - timedelta(seconds=1)
    for model in (DeploymentLease, AccountLease):
        model.objects.filter(holder__contains=f":{pid}:").update(expires_at=long_ago)
