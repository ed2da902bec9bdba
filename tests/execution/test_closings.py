"""Closings on the wire: each closes its position once, whatever dies or is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core.clock import wall_now
from apps.execution.models import ExternalSignal, Webhook
from apps.execution.runner import TickResult
from apps.execution.services.external import external_signal_record
from apps.execution.services.sweeps import deployment_ids_due
from apps.execution.services.webhooks import webhook_open
from apps.orders.domain.types import OrderReport, OrderRequest
from apps.orders.models import Order
from apps.strategies.domain.external_messages import ExternalMessage
from apps.strategies.services import closing_request, deployment_stop
from tests.execution.chain import deployment_running, play, statuses, tick
from tests.execution.live_desk import LiveDesk, live_desk
from tests.factories.marketdata import InstrumentFactory
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


def signal_send(webhook: Webhook, action: str) -> None:
    message = ExternalMessage.model_validate(
        {"action": action, "symbol": "TEST:HOOKED", "time": wall_now(), "nonce": action}
    )
    external_signal_record(webhook=webhook, message=message, body_sha256=action)


def test_a_signal_from_outside_waits_until_the_position_is_closed() -> None:
    instrument = InstrumentFactory(symbol="TEST:HOOKED")
    deployment = deployment_running(instruments=[instrument], strategy="external_signals")
    webhook = webhook_open(deployment=deployment, takes_passphrase=False, actor=None)
    play(deployment, "100.00")
    signal_send(webhook, "long")
    tick(deployment)
    play(deployment, "100.00", "100.00", first=1)
    closing_request(deployment=deployment, instrument=instrument, reason="enough")
    signal_send(webhook, "short")
    tick(deployment)
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("EXIT", "SELL", "NEW")]
    assert ExternalSignal.objects.filter(dealt_at=None).count() == 1
    play(deployment, "100.00", "100.00", first=3)
    tick(deployment)
    assert statuses(deployment)[1:] == [("EXIT", "SELL", "FILLED"), ("ENTRY", "SELL", "NEW")]
    assert not ExternalSignal.objects.filter(dealt_at=None).exists()
