"""Closings on the wire: each closes its position once, whatever dies or is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core.clock import wall_now
from apps.execution.runner import TickResult
from apps.execution.services.sweeps import deployment_ids_due
from apps.orders.domain.types import OrderReport, OrderRequest
from apps.orders.models import Order
from apps.strategies.services import deployment_stop
from tests.execution.live_desk import LiveDesk, live_desk
from tests.venues.loopback.gateway import LoopbackGateway

pytestmark = pytest.mark.django_db
CLOSE = "CLOSE"


class WorkerDied(Exception):
    """What a kill looks like to the code that is killed."""


class MortalGateway(LoopbackGateway):
    """Lets the worker die right before it sends an order, once."""

    dies = False

    def order_place(self, request: OrderRequest) -> OrderReport:
        if MortalGateway.dies:
            MortalGateway.dies = False
            raise WorkerDied(request.client_order_id)
        return super().order_place(request)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LiveDesk]:
    settings = dict.fromkeys(("on_pause", "on_stop", "on_halt", "on_delisting"), CLOSE)
    with live_desk(tmp_path, settings=settings, adapter=MortalGateway) as running:
        running.bar("100.25")
        assert running.held() == 10
        yield running
    MortalGateway.dies = False


def test_a_closing_survives_a_worker_that_dies_before_it_is_sent(desk: LiveDesk) -> None:
    deployment_stop(deployment=desk.deployment)
    MortalGateway.dies = True
    with pytest.raises(WorkerDied):
        desk.tick()
    desk.settle()
    assert desk.orders() == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "FILLED")]
    assert desk.held() == 0
    desk.assert_books_hold()


def test_a_closing_whose_reply_is_lost_is_looked_up_and_not_sent_again(desk: LiveDesk) -> None:
    deployment_stop(deployment=desk.deployment)
    desk.venue.fault("DROP_AFTER", endpoint="PLACE", count=1)
    desk.settle()
    assert len(desk.sent()) == 2
    assert desk.held() == 0
    desk.assert_books_hold()


def test_a_closing_that_the_venue_refuses_is_not_sent_again_and_again(desk: LiveDesk) -> None:
    desk.venue.control("instrument", symbol=desk.instrument.symbol, lot_size="7")
    deployment_stop(deployment=desk.deployment)
    for _ in range(6):
        assert desk.tick() is TickResult.WAITING
    assert len(desk.sent()) == 2
    desk.venue.control("instrument", symbol=desk.instrument.symbol, lot_size="1")
    Order.objects.update(decided_at=wall_now() - timedelta(minutes=2))
    desk.settle()
    assert desk.held() == 0
    desk.assert_books_hold()


def test_an_exit_that_the_venue_refuses_is_tried_again_as_a_closing(desk: LiveDesk) -> None:
    desk.venue.control("instrument", symbol=desk.instrument.symbol, lot_size="7")
    desk.bar("100.75")
    assert desk.orders()[-1] == ("EXIT", "SELL", "REJECTED")
    desk.venue.control("instrument", symbol=desk.instrument.symbol, lot_size="1")
    Order.objects.update(decided_at=wall_now() - timedelta(minutes=2))
    assert deployment_ids_due(moment=wall_now()) == [desk.deployment.pk]
    desk.settle()
    assert desk.held() == 0
    desk.assert_books_hold()
