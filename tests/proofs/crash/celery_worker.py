"""A Celery worker of its own, fed through Redis by the sweep, and killed where its trap stands."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from apps.core.clock import wall_now
from apps.execution.models import AccountLease, DeploymentLease
from apps.execution.services.sweeps import deployment_ids_due
from apps.execution.tasks import EXECUTION_QUEUE, sweep_task
from apps.orders.models import Order, OrderEvent
from tests.execution.replays import workers_env
from tests.proofs.crash.worker import Kill, WorkerFailed
from tradingsite.celery import app

SWEEP_SECONDS = 0.5
"""Between two sweeps, which beat sends every two seconds."""
PATIENCE_SECONDS = 120.0
QUIET_SWEEPS = 4
"""So many sweeps in turn that change nothing, while nobody holds a lease, mean rest."""
_SETTLED = ("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED")


def celery_run(*, account_id: int, deployment_id: int | None, kill: Kill | None = None) -> bool:
    """Do what ``worker_run`` does with a worker started from the command line.

    The lease of a worker that died before is waited for, and its messages stay in Redis.

    Raises:
        WorkerFailed: It ended by an error, or its work did not come to rest.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    quiet, seen = 0, -1
    with _celery(kill) as worker:
        _ready_require(worker, deadline)
        while quiet < QUIET_SWEEPS:
            if time.monotonic() > deadline:
                raise WorkerFailed(f"account {account_id} did not come to rest")
            sweep_task.apply_async()
            time.sleep(SWEEP_SECONDS)
            if worker.poll() is not None:
                return _killed_require(worker)
            before, seen = seen, OrderEvent.objects.filter(order__account=account_id).count()
            is_quiet = seen == before and _nothing_waits(account_id, deployment_id)
            quiet = quiet + 1 if is_quiet else 0
    return False


def _ready_require(worker: "subprocess.Popen[bytes]", deadline: float) -> None:
    """Wait until the worker answers; a sweep before that would change nothing."""
    while not app.control.ping(timeout=SWEEP_SECONDS):
        if worker.poll() is not None or time.monotonic() > deadline:
            raise WorkerFailed(f"the worker did not start: {worker.returncode}")


def _nothing_waits(account_id: int, deployment_id: int | None) -> bool:
    moment = wall_now()
    is_worked = (
        AccountLease.objects.filter(account=account_id, expires_at__gte=moment).exists()
        or DeploymentLease.objects.filter(deployment=deployment_id, expires_at__gte=moment).exists()
    )
    if is_worked or deployment_id in deployment_ids_due(moment=moment):
        return False
    return not Order.objects.filter(account=account_id).exclude(status__in=_SETTLED).exists()


def _killed_require(worker: "subprocess.Popen[bytes]") -> bool:
    if worker.returncode == -signal.SIGKILL:
        return True
    raise WorkerFailed(f"the worker ended by itself with {worker.returncode}")


@contextmanager
def _celery(kill: Kill | None) -> Iterator["subprocess.Popen[bytes]"]:
    trap = {} if kill is None else {"CRASH_STEP": kill.step.name, "CRASH_PASS": str(kill.at_pass)}
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "-A", "tests.proofs.crash.worker_app", "worker"),
            *("--queues", EXECUTION_QUEUE, "--pool", "solo", "--loglevel=CRITICAL"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            **workers_env(),
            **trap,
            "DJANGO_SETTINGS_MODULE": "tradingsite.settings.test",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(timeout=PATIENCE_SECONDS)
