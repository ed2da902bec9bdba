"""What a dead worker left behind is found out before anything new is done."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.execution.runner import TickResult
from apps.orders.domain.ports import OutcomeUnknown, Unavailable
from apps.orders.domain.types import OrderRequest, OrderType, Side
from apps.orders.models import InstrumentFreeze, Order, OrderEvent
from apps.orders.services import order_claim, order_report_record
from apps.strategies.models import Deployment
from tests.execution.chain import bars_of, bars_store, records, statuses, tick
from tests.execution.venue import HOUR, FakeVenue, ReplyLost

WORKS = [("ENTRY", "BUY", "NEW"), ("STOP_LOSS", "SELL", "PENDING_NEW")]
UNKNOWN = [("ENTRY", "BUY", "UNKNOWN"), ("STOP_LOSS", "SELL", "INTENT")]
ABANDONED = [("ENTRY", "BUY", "CANCELED"), ("STOP_LOSS", "SELL", "CANCELED")]


@pytest.fixture
def intent(live: Deployment, venue: FakeVenue, yesterday: datetime) -> Order:
    """An entry that was decided and, for certain, not sent."""
    venue.answers = [Unavailable("connection refused")]
    bars_store(live, bars_of("100.25", start=yesterday, timeframe="1d"))
    assert tick(live) is TickResult.WAITING
    venue.placed.clear()
    return Order.objects.get(role="ENTRY")


@pytest.fixture
def sending(intent: Order) -> Order:
    """The same after a worker claimed it and died."""
    assert order_claim(order=intent, epoch=1)
    return intent


def sent_and_died(order: Order, venue: FakeVenue) -> None:
    """Bring the order to the venue as its worker did last."""
    venue.answers = [ReplyLost("nobody lives to hear it")]
    venue.order_place(
        OrderRequest(
            client_order_id=order.client_order_id,
            symbol=order.instrument.symbol,
            side=Side(order.side),
            order_type=OrderType(order.order_type),
            quantity=order.quantity,
            as_of=order.decided_at,
        )
    )


def looked_up(order: Order) -> str:
    """Return what the venue answered when the order was looked up last."""
    order.refresh_from_db()
    return order.looked_up_answer


def unknown_for(order: Order, *, seconds: float) -> None:
    since = timezone.now() - timedelta(seconds=seconds)
    assert Order.objects.filter(pk=order.pk, status="UNKNOWN").update(unknown_since=since) == 1


def test_order_that_a_dead_worker_was_sending_is_looked_up_and_found(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    with pytest.raises(ReplyLost):
        sent_and_died(sending, venue)
    assert tick(live) is TickResult.DONE
    assert statuses(live) == WORKS
    kinds = OrderEvent.objects.filter(order=sending).order_by("sequence")
    assert [event.kind for event in kinds][-3:] == [
        "order.claimed",
        "order.outcome_unknown",
        "order.accepted",
    ]
    assert len(venue.placed) == 1


def test_order_that_the_venue_does_not_know_is_not_sent_again_before_the_window(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    assert tick(live) is TickResult.WAITING
    assert statuses(live) == UNKNOWN
    unknown_for(sending, seconds=HOUR - 60)
    before = records()
    assert tick(live) is TickResult.WAITING
    assert records() == before
    assert venue.placed == []
    assert InstrumentFreeze.objects.filter(released_at=None).count() == 1


def test_the_last_look_up_and_its_answer_are_kept(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    venue.reads_fail_with = Unavailable("connection refused")
    tick(live)
    assert looked_up(sending) == "Unavailable: connection refused"
    venue.reads_fail_with = None
    before = timezone.now()
    tick(live)
    assert looked_up(sending) == "it has no such order"
    assert sending.looked_up_at is not None
    assert before <= sending.looked_up_at <= timezone.now()


def test_order_absent_over_the_window_is_sent_once_more_with_its_id(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    tick(live)
    unknown_for(sending, seconds=HOUR + 1)
    assert tick(live) is TickResult.DONE
    assert venue.ids_placed() == [sending.client_order_id]
    assert statuses(live) == WORKS
    assert not InstrumentFreeze.objects.filter(released_at=None).exists()
    sending.refresh_from_db()
    assert sending.events.filter(kind="order.absence_proved").count() == 1


def test_order_that_a_report_settles_while_it_is_looked_up_stays_as_reported(
    live: Deployment, venue: FakeVenue, sending: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reconciliation takes reports in beside the worker; an absence that is old by then is none."""
    tick(live)
    unknown_for(sending, seconds=HOUR + 1)

    def found_by_another_process(**_: str) -> None:
        venue.works(sending)
        order_report_record(account=live.account, report=venue.orders[sending.client_order_id])

    monkeypatch.setattr(venue, "order_find", found_by_another_process)
    assert tick(live) is TickResult.DONE
    assert statuses(live) == WORKS
    assert venue.placed == []


def test_order_is_never_sent_again_where_the_venue_cannot_prove_absence(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    venue.absence_window_seconds = None
    tick(live)
    unknown_for(sending, seconds=365 * 24 * HOUR)
    assert tick(live) is TickResult.WAITING
    assert statuses(live) == UNKNOWN
    assert venue.placed == []


def test_read_that_fails_is_no_proof_of_absence(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    tick(live)
    unknown_for(sending, seconds=HOUR + 1)
    venue.reads_fail_with = Unavailable("connection refused")
    before = records()
    assert tick(live) is TickResult.WAITING
    assert records() == before
    assert venue.placed == []


def test_stale_intent_is_abandoned_with_its_exits_and_never_sent(
    live: Deployment, venue: FakeVenue, intent: Order
) -> None:
    Order.objects.update(decided_at=timezone.now() - timedelta(days=1, seconds=1))
    assert tick(live) is TickResult.DONE
    assert statuses(live) == ABANDONED
    assert venue.placed == []
    assert "stale" in Order.objects.get(pk=intent.pk).status_reason


def test_absent_order_whose_signal_is_stale_by_now_is_abandoned(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    tick(live)
    Order.objects.update(decided_at=timezone.now() - timedelta(days=1, seconds=1))
    unknown_for(sending, seconds=HOUR + 1)
    assert tick(live) is TickResult.DONE
    assert statuses(live) == ABANDONED
    assert venue.placed == []
    assert not InstrumentFreeze.objects.filter(released_at=None).exists()


def test_fresh_intent_is_sent_before_anything_else(
    live: Deployment, venue: FakeVenue, intent: Order
) -> None:
    assert tick(live) is TickResult.DONE
    assert venue.ids_placed() == [intent.client_order_id]
    assert statuses(live) == WORKS


def test_unknown_order_that_stays_unknown_lets_no_newer_bar_be_dealt_with(
    live: Deployment, venue: FakeVenue, sending: Order
) -> None:
    venue.answers = [OutcomeUnknown("timeout")] * 3
    for _ in range(3):
        assert tick(live) is TickResult.WAITING
    assert venue.placed == []
    assert live.cursors.get().bars_seen == 0
