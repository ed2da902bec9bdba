"""Real worker processes that die, or stand still, exactly where a test says."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, connections
from django.db.models import F

from apps.brokers.models import PaperOrder
from apps.execution.replay.result import books_fingerprint
from apps.execution.runner import TickResult
from apps.orders.models import Order
from apps.reconciliation.models import Break
from apps.strategies.models import Deployment, Signal
from tests.execution.chain import (
    account_open,
    bars_of,
    bars_store,
    deployment_running,
    lease_expire,
    reconcile,
    tick,
)
from tests.factories.marketdata import InstrumentFactory

CLOSES = (
    *("100.00", "100.25", "100.10", "103.00", "103.50", "103.00", "105.00", "104.35", "102.00"),
    *("104.00", "104.75", "104.00", "104.25", "101.00", "101.50"),
)
"""A target, a stop, a turn, a limit entry, an exit by signal: each step that an order can take."""


def deployment_new(name: str, closes: tuple[str, ...] = CLOSES) -> Deployment:
    """A deployment of its own that comes, on its own, to the books of every other one."""
    deployment = deployment_running(
        account=account_open(),
        # What follows a tilde names a copy of the same instrument: order ids do not depend on it
        instruments=[InstrumentFactory(symbol=f"TEST:COINUSDT.P~{name}")],
        name=f"worker-{name}",
        stop_loss_ratio=0.02,
        take_profit_ratio=0.025,
    )
    bars_store(deployment, bars_of(*closes))
    return deployment


def books(deployment: Deployment) -> tuple[str, int, int, int]:
    """The state of the books, with the counts that they leave out."""
    orders = Order.objects.filter(deployment=deployment)
    assert orders.count() == PaperOrder.objects.filter(book__account=deployment.account).count()
    assert reconcile(deployment.account).breaks_found == 0
    return (
        books_fingerprint(deployment=deployment),
        orders.count(),
        Signal.objects.filter(deployment=deployment).count(),
        Break.objects.filter(account=deployment.account).count(),
    )


def finish(deployment: Deployment) -> None:
    """Let a new worker end what others began."""
    deadline = time.monotonic() + 60
    lease_expire(deployment)
    while tick(deployment) is not TickResult.DONE:
        assert time.monotonic() < deadline, "the deployment does not come to its end"
        absence_prove(deployment)


def absence_prove(deployment: Deployment) -> None:
    """Let the venue's waiting window for unknown orders have passed."""
    Order.objects.filter(deployment=deployment, status="UNKNOWN").update(
        unknown_since=F("unknown_since") - timedelta(hours=1)
    )


def fork(work: Callable[[], object]) -> int:
    """Do ``work`` in a process of its own with its own database connection."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    finally:  # whatever it was: a copy of the test run must never go on
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)


def ended_by(pid: int) -> int:
    """Wait for a process; return the signal that ended it, or 0 when it ended well."""
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the process failed"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def has_ended(pid: int, *, seconds: float) -> bool:
    """Tell whether a process ends within the time; it is still to be waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        time.sleep(0.005)
    return False


def stand_still(pid: int) -> bool:
    """Wait until a process stops; False when it ended before."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    return os.WIFSTOPPED(status)


@contextmanager
def signalled_before(statement: int, number: signal.Signals) -> Iterator[None]:
    """Send this very process a signal before its ``statement``-th statement, from 1."""
    seen = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), number)
        return execute(*arguments)

    with connection.execute_wrapper(count):
        yield


def statements_of(work: Callable[[], object]) -> int:
    """Count the statements of ``work``."""
    seen = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        work()
    return seen
