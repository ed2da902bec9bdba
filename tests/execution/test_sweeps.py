"""The sweep finds from the database alone what a lost message or a dead worker left lying."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from apps.execution import tasks
from apps.execution.models import DeploymentCursor, DeploymentLease
from apps.execution.runner import TickResult
from apps.execution.services.leases import lease_acquire
from apps.execution.services.sweeps import deployment_ids_due
from apps.execution.tasks import deployment_tick_task, sweep_task
from apps.orders.domain.ports import Unavailable
from apps.orders.models import Order
from apps.strategies.models import Deployment
from apps.strategies.services import deployment_start, deployment_stop
from tests.execution.chain import (
    bars_of,
    bars_store,
    deployment_running,
    lease_expire,
    play,
    statuses,
    tick,
)
from tests.execution.venue import FakeVenue

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment() -> Deployment:
    return deployment_running()


def due() -> list[int]:
    return deployment_ids_due(moment=timezone.now())


def test_deployment_with_a_new_bar_is_due_and_one_without_is_not(deployment: Deployment) -> None:
    assert due() == []
    bars_store(deployment, bars_of("100.00"))
    assert due() == [deployment.pk]
    tick(deployment)
    assert due() == []


@pytest.mark.parametrize("status", ["INTENT", "SENDING", "UNKNOWN"])
def test_deployment_with_an_unsettled_order_is_due(deployment: Deployment, status: str) -> None:
    play(deployment, "100.25")
    assert due() == []
    Order.objects.update(status=status)
    assert due() == [deployment.pk]


def test_deployment_that_has_never_run_is_due(deployment: Deployment) -> None:
    DeploymentCursor.objects.all().delete()
    assert due() == [deployment.pk]


def test_deployment_that_a_worker_runs_is_not_due_until_it_falls_silent(
    deployment: Deployment,
) -> None:
    bars_store(deployment, bars_of("100.00"))
    assert lease_acquire(deployment=deployment, holder="busy") == 1
    assert due() == []
    lease_expire(deployment)
    assert due() == [deployment.pk]


def test_stopped_deployment_is_not_due_and_starts_later_with_new_bars(
    deployment: Deployment,
) -> None:
    bars_store(deployment, bars_of("100.25"))
    deployment_stop(deployment=deployment)
    assert due() == []
    assert not DeploymentCursor.objects.exists()
    deployment_start(deployment=deployment)
    assert due() == [deployment.pk]
    tick(deployment)
    assert statuses(deployment) == []


@pytest.mark.usefixtures("eager")
def test_every_message_lost_costs_one_sweep(deployment: Deployment) -> None:
    bars_store(deployment, bars_of("100.25", "101.00"))  # and nobody is told
    assert sweep_task() == 1
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED")]
    assert sweep_task() == 0


def test_task_that_comes_twice_does_its_work_once(deployment: Deployment) -> None:
    bars_store(deployment, bars_of("100.25", "101.00"))
    assert deployment_tick_task.apply(args=(deployment.pk,)).get() == TickResult.DONE
    assert deployment_tick_task.apply(args=(deployment.pk,)).get() == TickResult.DONE
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED")]


@pytest.mark.usefixtures("eager")
def test_task_whose_time_is_up_goes_on_with_another(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "TICK_SECONDS", 0)
    bars_store(deployment, bars_of("100.25", "101.00", "103.75", "102.00"))
    deployment_tick_task.delay(deployment.pk)
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]


def test_task_that_waits_for_an_outcome_comes_again_a_little_later(
    live: Deployment, venue: FakeVenue, yesterday: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(deployment_tick_task, "apply_async", lambda **message: sent.append(message))
    venue.answers = [Unavailable("connection refused")]
    bars_store(live, bars_of("100.25", start=yesterday, timeframe="1d"))
    assert deployment_tick_task.apply(args=(live.pk,)).get() == TickResult.WAITING
    assert sent == [{"args": (live.pk,), "queue": "execution", "countdown": tasks.WAIT_SECONDS}]


def test_worker_that_died_keeps_its_deployment_for_the_length_of_a_lease(
    deployment: Deployment,
) -> None:
    lease_acquire(deployment=deployment, holder="dies")
    left = DeploymentLease.objects.get().expires_at - timezone.now()
    assert timedelta(0) < left <= timedelta(seconds=settings.LEASE_SECONDS)
