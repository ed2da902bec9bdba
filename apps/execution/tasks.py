"""Celery's way into the live chain; every task may run twice, or be lost, without harm."""

from celery import shared_task

from apps.core.clock import wall_now
from apps.execution.runner import TickResult, deployment_tick
from apps.execution.services.sweeps import deployment_ids_due

TICK_SECONDS = 5.0
"""How long one task runs a deployment before it lets others have the worker."""

EXECUTION_QUEUE = "execution"

WAIT_SECONDS = 1.0
"""How long until a deployment that waits for an outcome is looked at again."""


@shared_task(name="execution.deployment_tick", bind=True)
def deployment_tick_task(self: object, deployment_id: int) -> str:
    """Run a deployment for a while, and again when there is more to do."""
    result = deployment_tick(deployment_id=deployment_id, seconds=TICK_SECONDS)
    queue = _own_queue(self)
    if result is TickResult.MORE:
        deployment_tick_task.apply_async(args=(deployment_id,), queue=queue)
    elif result is TickResult.WAITING:
        deployment_tick_task.apply_async(args=(deployment_id,), queue=queue, countdown=WAIT_SECONDS)
    return result.value


@shared_task(name="execution.sweep", expires=10)
def sweep_task() -> int:
    """Set every deployment going that has work nobody is doing."""
    due = deployment_ids_due(moment=wall_now())
    for deployment_id in due:
        deployment_tick_task.delay(deployment_id)
    return len(due)


def _own_queue(task: object) -> str:
    """Return the queue that brought the task, so that a replay stays on its own."""
    request = getattr(task, "request", None)
    delivery = getattr(request, "delivery_info", None) or {}
    return str(delivery.get("routing_key") or EXECUTION_QUEUE)
