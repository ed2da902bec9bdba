"""Celery's way into the live chain; every task may run twice, or be lost, without harm."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError as MessageNotSent

from apps.core.clock import wall_now
from apps.execution.account_runner import account_tick
from apps.execution.runner import TickResult, deployment_tick
from apps.execution.services.closing import policies_sweep
from apps.execution.services.kill_switch import kill_switch_carry_out
from apps.execution.services.sweeps import account_ids_due, deployment_ids_due, kill_switch_ids_due
from apps.orders.selectors import group_account_waiting
from apps.risk.selectors import kill_switch_list_holding

log = logging.getLogger(__name__)

TICK_SECONDS = 5.0
"""How long one task runs a deployment before it lets others have the worker."""

EXECUTION_QUEUE = "execution"

CARRY_OUT_SECONDS = 10.0
"""How long one task tries to carry a kill switch out before the worker is free for others."""

WAIT_SECONDS = 1.0
"""How long until a deployment that waits for an outcome is looked at again."""


@shared_task(name="execution.deployment_tick", bind=True)
def deployment_tick_task(self: object, deployment_id: int) -> str:
    """Run a deployment for a while, and again when there is more to do."""
    result = deployment_tick(deployment_id=deployment_id, seconds=TICK_SECONDS)
    account_id = group_account_waiting(deployment_id=deployment_id)
    if account_id is not None:
        account_tick_ask(account_id=account_id)
    queue = _own_queue(self)
    if result is TickResult.MORE:
        deployment_tick_task.apply_async(args=(deployment_id,), queue=queue)
    elif result is TickResult.WAITING:
        deployment_tick_task.apply_async(args=(deployment_id,), queue=queue, countdown=WAIT_SECONDS)
    return result.value


@shared_task(name="execution.account_tick")
def account_tick_task(account_id: int) -> str:
    """Work an account once, and again soon when something is waited for."""
    result = account_tick(account_id=account_id)
    if result is TickResult.WAITING:
        account_tick_task.apply_async(args=(account_id,), countdown=WAIT_SECONDS)
    return result.value


def deployment_tick_ask(*, deployment_id: int) -> None:
    """Wake a worker for a signal from outside that is committed; else the sweep finds it."""
    try:
        deployment_tick_task.apply_async(args=(deployment_id,), retry=False)
    except MessageNotSent as error:
        log.warning("Redis cannot be reached; the sweep runs %s: %s", deployment_id, error)


def account_tick_ask(*, account_id: int) -> None:
    """Wake a worker for orders and changes that are committed.

    With Redis down nobody is woken: the sweep finds them in the database once it runs again.
    """
    try:
        account_tick_task.apply_async(args=(account_id,), retry=False)
    except MessageNotSent as error:
        log.warning("Redis cannot be reached; the sweep works account %s: %s", account_id, error)


@shared_task(name="execution.kill_switch_carry_out")
def kill_switch_carry_out_task(switch_id: int) -> str:
    """Carry an engaged kill switch out, as far as the brokers let it be; the sweep goes on."""
    switch = kill_switch_list_holding().filter(pk=switch_id).first()
    if switch is None:
        return "RELEASED"
    carried = kill_switch_carry_out(switch=switch, patience_seconds=CARRY_OUT_SECONDS, waits=False)
    return "CONFIRMED" if carried.is_confirmed else "WAITING"


def kill_switch_carry_out_ask(*, switch_id: int) -> None:
    """Wake a worker for an engagement that is committed.

    With Redis down nobody is woken: the program ``kill_switch watch`` finds it in the database.
    """
    try:
        kill_switch_carry_out_task.apply_async(args=(switch_id,), retry=False)
    except MessageNotSent as error:
        log.warning(
            "Redis cannot be reached; the watching program carries %s out: %s", switch_id, error
        )


@shared_task(name="execution.sweep", expires=10)
def sweep_task() -> int:
    """Set everything going that has work nobody is doing."""
    moment = wall_now()
    policies_sweep()
    deployments = deployment_ids_due(moment=moment)
    for deployment_id in deployments:
        deployment_tick_task.delay(deployment_id)
    accounts = account_ids_due(moment=moment)
    for account_id in accounts:
        account_tick_task.delay(account_id)
    switches = kill_switch_ids_due()
    for switch_id in switches:
        kill_switch_carry_out_task.delay(switch_id)
    return len(deployments) + len(accounts) + len(switches)


def _own_queue(task: object) -> str:
    """Return the queue that brought the task, so that a replay stays on its own."""
    request = getattr(task, "request", None)
    delivery = getattr(request, "delivery_info", None) or {}
    return str(delivery.get("routing_key") or EXECUTION_QUEUE)
