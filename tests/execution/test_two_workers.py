"""Two real workers on one deployment never come to a second order for a signal."""

import os
import random
import signal
import time
from functools import partial

import pytest
from django.db.models import Count

from apps.orders.models import Order
from apps.strategies.models import Deployment
from tests.execution.chain import bars_seen, lease_expire, tick
from tests.execution.processes import (
    CLOSES,
    absence_prove,
    books,
    deployment_new,
    ended_by,
    finish,
    fork,
    has_ended,
    signalled_before,
    stand_still,
    statements_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

EVERY = 113


@pytest.fixture
def undisturbed() -> tuple[tuple[str, int, int, int], int]:
    """The books of one worker alone, and how many statements it made."""
    deployment = deployment_new("undisturbed")
    steps = statements_of(lambda: tick(deployment))
    return books(deployment), steps


def second_orders(deployment: Deployment) -> int:
    per_signal = Order.objects.filter(deployment=deployment).values("signal", "role")
    return per_signal.order_by().annotate(orders=Count("pk")).filter(orders__gt=1).count()


def test_lease_that_passes_to_and_fro_all_the_time_gives_the_same_books() -> None:
    closes = CLOSES * 3
    alone = deployment_new("alone", closes)
    tick(alone)
    expected = books(alone)
    deployment = deployment_new("contested", closes)

    def work() -> None:
        while bars_seen(deployment) < len(closes):
            tick(deployment, seconds=0.05)

    workers = [fork(work), fork(work)]
    dice = random.Random(7)
    deadline = time.monotonic() + 240
    while not all(has_ended(worker, seconds=0.001) for worker in workers):
        assert time.monotonic() < deadline, "the two workers do not come to an end"
        time.sleep(dice.uniform(0, 0.03))
        lease_expire(deployment)
        absence_prove(deployment)
    assert [ended_by(worker) for worker in workers] == [0, 0]
    deployment.lease.refresh_from_db()
    assert deployment.lease.epoch > 10, "the lease did not change hands often enough"
    finish(deployment)
    assert second_orders(deployment) == 0
    assert books(deployment) == expected


def test_holder_that_is_paused_past_its_lease_writes_nothing_when_it_wakes(
    undisturbed: tuple[tuple[str, int, int, int], int],
) -> None:
    expected, steps = undisturbed
    for step in range(1, steps, EVERY):
        deployment = deployment_new(str(step))

        def paused(step: int = step, deployment: Deployment = deployment) -> None:
            with signalled_before(step, signal.SIGSTOP):
                tick(deployment)

        first = fork(paused)
        assert stand_still(first), f"not paused at statement {step}"
        lease_expire(deployment)
        second = fork(partial(tick, deployment))
        has_ended(second, seconds=0.3)  # or it waits for a row that the paused one has locked
        os.kill(first, signal.SIGCONT)
        assert [ended_by(second), ended_by(first)] == [0, 0]
        finish(deployment)
        assert second_orders(deployment) == 0, f"a second order after a pause at {step}"
        assert books(deployment) == expected, f"other books after a pause at {step}"
