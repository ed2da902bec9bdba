"""An order on its way to a broker whose clock is ours, through each of the five errors."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from apps.execution.models import DeploymentCursor
from apps.execution.runner import TickResult
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.types import FillReport, OrderReport, OrderRequest, Side
from apps.orders.models import InstrumentFreeze, Order, OrderEvent
from apps.positions.models import Position
from apps.reconciliation.models import Break
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, Signal
from tests.execution.chain import (
    bars_of,
    bars_store,
    cursors_rewind,
    instrument_of,
    records,
    statuses,
    tick,
)
from tests.execution.venue import FakeVenue, ReplyLost
from tests.factories.orders import OrderFactory

WAITS = [("ENTRY", "BUY", "INTENT"), ("STOP_LOSS", "SELL", "INTENT")]
WORKS = [("ENTRY", "BUY", "NEW"), ("STOP_LOSS", "SELL", "PENDING_NEW")]
ENDED = [("ENTRY", "BUY", "REJECTED"), ("STOP_LOSS", "SELL", "CANCELED")]
UNKNOWN = [("ENTRY", "BUY", "UNKNOWN"), ("STOP_LOSS", "SELL", "INTENT")]


def signalled(live: Deployment, yesterday: datetime, close: str = "100.25") -> TickResult:
    """Let yesterday's bar say what to be."""
    bars_store(live, bars_of(close, start=yesterday, timeframe="1d"))
    return tick(live)


def kinds(role: str = "ENTRY") -> list[str]:
    events = OrderEvent.objects.filter(order__role=role).order_by("sequence")
    return [event.kind.removeprefix("order.") for event in events]


def is_done(live: Deployment, yesterday: datetime) -> bool:
    return DeploymentCursor.objects.get(deployment=live).bar_open_at == yesterday


def test_order_is_claimed_and_committed_before_it_is_sent(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    assert signalled(live, yesterday) is TickResult.DONE
    assert statuses(live) == WORKS
    assert kinds() == ["intended", "claimed", "accepted"]
    [request] = venue.placed
    [stop] = request.attached
    assert [request.quantity, stop.distance_ratio] == [1, Decimal("0.01")]
    assert is_done(live, yesterday)


def test_fills_of_the_broker_are_booked_with_the_next_bar(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    signalled(live, yesterday)
    [request] = venue.placed
    venue.reports.append(
        FillReport(
            trade_id="t1",
            client_order_id=request.client_order_id,
            venue_order_id="V1",
            symbol=request.symbol,
            side=Side.BUY,
            quantity=request.quantity,
            price=Decimal("100.5"),
            commission=Decimal("0.06"),
            commission_currency="USDT",
            executed_at=request.as_of,
        )
    )
    cursors_rewind(live)
    assert tick(live) is TickResult.DONE
    assert Position.objects.get().quantity == 1
    assert len(venue.placed) == 1


def test_rejected_is_final_and_never_sent_again(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    venue.answers = [Rejected("not enough margin", code="110007")]
    assert signalled(live, yesterday) is TickResult.DONE
    assert statuses(live) == ENDED
    assert kinds() == ["intended", "claimed", "rejected"]
    before = records()
    cursors_rewind(live)
    assert tick(live) is TickResult.DONE
    assert records() == before
    assert len(venue.placed) == 1
    assert not InstrumentFreeze.objects.exists()


@pytest.mark.parametrize(
    "error",
    [
        Throttled("too many requests", retry_after_seconds=1),
        Unavailable("connection refused"),
        AuthenticationFailed("the key has expired"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_certainly_was_not_sent_is_sent_once_more_with_its_id(
    live: Deployment, venue: FakeVenue, yesterday: datetime, error: BrokerError
) -> None:
    venue.answers = [error]
    assert signalled(live, yesterday) is TickResult.WAITING
    assert statuses(live) == WAITS
    assert kinds() == ["intended", "claimed", "returned_unsent"]
    assert not InstrumentFreeze.objects.exists()
    assert not is_done(live, yesterday)
    assert tick(live) is TickResult.DONE
    assert statuses(live) == WORKS
    first, second = venue.ids_placed()
    assert first == second
    assert is_done(live, yesterday)
    assert (Signal.objects.count(), RiskDecision.objects.count()) == (1, 1)


def test_unknown_outcome_freezes_the_instrument_and_nothing_is_sent(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    venue.answers = [OutcomeUnknown("timeout")]
    assert signalled(live, yesterday) is TickResult.WAITING
    assert statuses(live) == UNKNOWN
    assert InstrumentFreeze.objects.get().instrument == instrument_of(live)
    before = records()
    assert tick(live) is TickResult.WAITING
    assert records() == before
    assert len(venue.placed) == 1
    assert not is_done(live, yesterday)


def test_order_whose_reply_was_lost_is_found_and_goes_on(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    venue.answers = [ReplyLost("timeout")]
    assert signalled(live, yesterday) is TickResult.WAITING
    assert tick(live) is TickResult.DONE
    assert statuses(live) == WORKS
    assert kinds() == ["intended", "claimed", "outcome_unknown", "accepted"]
    assert len(venue.placed) == 1
    assert not InstrumentFreeze.objects.filter(released_at=None).exists()
    assert is_done(live, yesterday)


def test_answer_that_cannot_be_true_is_a_break_and_the_order_is_looked_up(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    venue.answers_with_side = Side.SELL
    assert signalled(live, yesterday) is TickResult.WAITING
    assert statuses(live) == UNKNOWN
    found = Break.objects.get()
    assert found.kind == Break.Kind.REPORT_REFUSED
    assert "side" in found.description
    assert tick(live) is TickResult.DONE
    assert statuses(live) == WORKS


def test_refusal_of_an_order_that_has_filled_is_a_break_and_changes_nothing(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    def filled_and_refused(request: OrderRequest) -> OrderReport:
        order = Order.objects.filter(client_order_id=request.client_order_id)
        order.update(status="FILLED", filled_quantity=request.quantity)
        raise Rejected("the order does not exist", code="1")

    venue.order_place = filled_and_refused  # type: ignore[method-assign]
    signalled(live, yesterday)
    assert statuses(live)[0] == ("ENTRY", "BUY", "FILLED")
    found = Break.objects.get()
    assert (found.kind, found.ours) == (Break.Kind.REPORT_REFUSED, {"status": "FILLED"})
    assert "cannot go from FILLED to REJECTED" in found.description


def test_broker_that_cannot_be_read_stops_the_bar_before_anything_is_decided(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    venue.reads_fail_with = Unavailable("connection refused")
    before = records()
    assert signalled(live, yesterday) is TickResult.WAITING
    assert records() == before
    assert not is_done(live, yesterday)
    venue.reads_fail_with = None
    assert tick(live) is TickResult.DONE
    assert statuses(live) == WORKS


def test_bar_that_a_newer_one_has_overtaken_opens_nothing(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    old = yesterday - timedelta(days=3)
    live.cursors.update(bar_open_at=old)
    bars_store(live, bars_of("100.25", "100.00", "100.00", start=old, timeframe="1d", first=1))
    assert tick(live) is TickResult.DONE
    assert statuses(live) == []
    assert venue.placed == []
    decision = RiskDecision.objects.get()
    assert (decision.outcome, decision.check_name) == ("DENIED", "freshness")
    assert "nothing is opened on old prices" in decision.reason


def test_signal_waits_until_a_cancel_is_confirmed_and_is_followed_then(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    order = OrderFactory(
        account=live.account,
        deployment=live,
        instrument=instrument_of(live),
        status="NEW",
        order_type="LIMIT",
        limit_price=Decimal(99),
    )
    venue.works(order)
    venue.confirms_cancels = False
    assert signalled(live, yesterday, "100.50") is TickResult.WAITING
    assert statuses(live) == [("ENTRY", "BUY", "PENDING_CANCEL")]
    assert venue.placed == []
    venue.confirms_cancels = True
    assert tick(live) is TickResult.DONE
    assert statuses(live)[:2] == [("ENTRY", "BUY", "CANCELED"), ("ENTRY", "SELL", "NEW")]
    assert Signal.objects.count() == 1


def test_refusal_of_a_cancel_waits_and_opens_nothing(
    live: Deployment, venue: FakeVenue, yesterday: datetime
) -> None:
    OrderFactory(
        account=live.account,
        deployment=live,
        instrument=instrument_of(live),
        status="NEW",
        order_type="LIMIT",
        limit_price=Decimal(99),
    )
    assert signalled(live, yesterday, "100.50") is TickResult.WAITING
    assert statuses(live) == [("ENTRY", "BUY", "PENDING_CANCEL")]
    assert venue.placed == []
    assert not RiskDecision.objects.exists()
    assert not is_done(live, yesterday)
