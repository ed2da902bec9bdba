"""The lease decides who may write: an old epoch can write nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.registry import ADAPTERS
from apps.execution.models import DeploymentCursor, DeploymentLease
from apps.execution.pipeline import bar_deal
from apps.execution.runner import TickResult
from apps.execution.services.leases import (
    LeaseLost,
    cursor_advance,
    lease_acquire,
    lease_release,
    lease_require,
)
from apps.execution.services.progress import Progress
from apps.execution.services.recovery import leftovers_settle
from apps.execution.services.runs import DeploymentRun, run_open
from apps.execution.services.sending import order_cancel, order_send
from apps.orders.domain.types import ReportPage
from apps.orders.models import Order
from apps.orders.services import order_claim, order_reject, order_return_unsent
from apps.strategies.domain.candles import Candles
from apps.strategies.models import Deployment
from tests.execution.chain import (
    START,
    bars_of,
    bars_store,
    deployment_running,
    lease_expire,
    play,
    records,
    statuses,
    tick,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment() -> Deployment:
    return deployment_running(stop_loss_ratio=0.01)


@pytest.fixture
def run(deployment: Deployment) -> DeploymentRun:
    """What a worker holds in hand; its lease is current."""
    epoch = lease_acquire(deployment=deployment, holder="slow")
    assert epoch is not None
    return run_open(deployment=deployment, epoch=epoch)


@pytest.fixture
def overtaken(run: DeploymentRun) -> DeploymentRun:
    """The same after the worker was silent for too long and another took over."""
    lease_expire(run.deployment)
    assert lease_acquire(deployment=run.deployment, holder="quick") == run.epoch + 1
    return run


def written() -> tuple[object, ...]:
    progress = [list(model.objects.values()) for model in (DeploymentCursor, DeploymentLease)]
    return (records(), *progress)


def refused(action: Callable[[], object]) -> None:
    before = written()
    with pytest.raises(LeaseLost, match="no longer run in epoch 1"):
        action()
    assert written() == before


def intended(deployment: Deployment) -> Order:
    """An order that is decided and stands at INTENT."""
    play(deployment, "100.25")
    order = Order.objects.get(role="ENTRY")
    Order.objects.update(status="INTENT")
    order.refresh_from_db()
    return order


def test_one_worker_gets_the_lease_and_each_holder_a_new_epoch(deployment: Deployment) -> None:
    assert lease_acquire(deployment=deployment, holder="a") == 1
    assert lease_acquire(deployment=deployment, holder="b") is None
    lease_expire(deployment)
    assert lease_acquire(deployment=deployment, holder="c") == 2
    lease_release(deployment_id=deployment.pk, epoch=1)
    assert lease_acquire(deployment=deployment, holder="d") is None
    lease_release(deployment_id=deployment.pk, epoch=2)
    assert lease_acquire(deployment=deployment, holder="e") == 3


def test_whoever_proves_its_epoch_keeps_the_lease(run: DeploymentRun) -> None:
    lease_expire(run.deployment)
    lease_require(deployment_id=run.deployment.pk, epoch=run.epoch)
    assert DeploymentLease.objects.filter(expires_at__gt=Now() + timedelta(seconds=1)).exists()
    assert lease_acquire(deployment=run.deployment, holder="other") is None


def test_old_epoch_cannot_move_the_cursor(overtaken: DeploymentRun) -> None:
    refused(
        lambda: cursor_advance(
            deployment_id=overtaken.deployment.pk,
            instrument_id=overtaken.instruments[0].pk,
            epoch=overtaken.epoch,
            bar_open_at=START,
        )
    )


def test_old_epoch_cannot_note_quiet_bars(overtaken: DeploymentRun) -> None:
    progress = Progress(deployment_id=overtaken.deployment.pk, epoch=overtaken.epoch)
    progress.bar_done(instrument_id=overtaken.instruments[0].pk, bar_open_at=START, is_quiet=True)
    refused(progress.note)


def test_old_epoch_can_record_no_signal_and_decide_no_order(overtaken: DeploymentRun) -> None:
    bars = bars_of("100.25")
    bars_store(overtaken.deployment, bars)
    refused(
        lambda: bar_deal(
            run=overtaken,
            instrument=overtaken.instruments[0],
            bar=bars[0],
            candles=Candles.from_bars(bars),
        )
    )


def test_old_epoch_sends_nothing(deployment: Deployment) -> None:
    order = intended(deployment)
    epoch = DeploymentLease.objects.get().epoch
    run = run_open(deployment=deployment, epoch=epoch)
    DeploymentLease.objects.update(epoch=epoch + 1)
    refused(lambda: order_send(run=run, order=order))
    assert statuses(deployment)[0] == ("ENTRY", "BUY", "INTENT")


def test_old_epoch_cancels_nothing(deployment: Deployment) -> None:
    play(deployment, "100.25")
    epoch = DeploymentLease.objects.get().epoch
    run = run_open(deployment=deployment, epoch=epoch)
    DeploymentLease.objects.update(epoch=epoch + 1)
    order = Order.objects.get(role="ENTRY")
    refused(lambda: order_cancel(run=run, order=order, reason="late"))
    assert statuses(deployment)[0] == ("ENTRY", "BUY", "NEW")


def test_old_epoch_settles_no_leftovers(deployment: Deployment) -> None:
    order = intended(deployment)
    epoch = DeploymentLease.objects.get().epoch
    run = run_open(deployment=deployment, epoch=epoch)
    assert order_claim(order=order, epoch=epoch)
    DeploymentLease.objects.update(epoch=epoch + 1)
    refused(lambda: leftovers_settle(run=run))
    assert statuses(deployment)[0] == ("ENTRY", "BUY", "SENDING")


def test_error_that_reaches_an_old_epoch_late_does_not_touch_what_the_new_one_sends(
    deployment: Deployment,
) -> None:
    order = intended(deployment)
    assert order_claim(order=order, epoch=1)
    late = Order.objects.get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(status="INTENT")
    assert order_claim(order=order, epoch=2)
    before = records()
    order_return_unsent(order=late, reason="Unavailable: long ago")
    order_reject(order=late, code="1", reason="long ago")
    assert records() == before
    assert statuses(deployment)[0] == ("ENTRY", "BUY", "SENDING")


def test_worker_that_loses_the_lease_in_its_tick_ends_it_quietly(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars_store(deployment, bars_of("100.25"))
    DeploymentLease.objects.create(deployment=deployment, epoch=4, expires_at=START)

    class Overtaken:
        """A gateway so slow that the lease passes on while it answers."""

        capabilities = PaperGateway.capabilities

        def __init__(self, account: object) -> None:
            pass

        def reports_since(self, cursor: str) -> ReportPage:
            DeploymentLease.objects.update(epoch=9)
            return ReportPage(reports=(), cursor=cursor)

    monkeypatch.setitem(ADAPTERS, "PAPER", Overtaken)
    before = records()
    assert tick(deployment) is TickResult.IDLE
    assert records() == before
    assert DeploymentLease.objects.get().epoch == 9
