"""An order that was allowed when it was decided may be barred by the time it could be sent."""

from datetime import datetime

import pytest

from apps.accounts.models import TradingAccount
from apps.execution.runner import TickResult
from apps.orders.domain.ports import OutcomeUnknown, Rejected, Unavailable
from apps.orders.models import Order
from apps.risk.models import TradingStateValue
from apps.risk.services import trading_state_set
from apps.strategies.models import Deployment
from tests.execution.chain import (
    bars_of,
    bars_store,
    cursors_rewind,
    deployment_running,
    instrument_of,
    reconcile,
    records,
    statuses,
    tick,
)
from tests.execution.venue import FakeVenue
from tests.factories.execution import DeskStartFactory
from tests.factories.positions import PositionFactory

ABANDONED = [("ENTRY", "BUY", "CANCELED"), ("STOP_LOSS", "SELL", "CANCELED")]


@pytest.fixture
def unsent(live: Deployment, venue: FakeVenue, yesterday: datetime) -> Order:
    """An entry that was allowed, and for certain not sent."""
    venue.answers = [Unavailable("connection refused")]
    bars_store(live, bars_of("100.25", start=yesterday, timeframe="1d"))
    assert tick(live) is TickResult.WAITING
    venue.placed.clear()
    return Order.objects.get(role="ENTRY")


@pytest.fixture
def turn(live: Deployment, yesterday: datetime) -> Deployment:
    """A deployment that is short and will want to be long after yesterday's bar."""
    PositionFactory(
        deployment=live,
        account=live.account,
        instrument=instrument_of(live),
        quantity=-1,
        average_entry_price=100,
    )
    bars_store(live, bars_of("100.25", start=yesterday, timeframe="1d"))
    return live


def state_set(account: TradingAccount, state: str) -> None:
    trading_state_set(account=account, state=state, actor=None, reason="a drill")


def test_desk_that_was_halted_meanwhile_abandons_what_waits_and_sends_nothing(
    live: Deployment, venue: FakeVenue, unsent: Order
) -> None:
    state_set(live.account, TradingStateValue.HALTED)
    assert tick(live) is TickResult.DONE
    assert statuses(live) == ABANDONED
    assert venue.placed == []
    unsent.refresh_from_db()
    assert "trading is HALTED since it was decided" in unsent.status_reason


def test_desk_that_only_reduces_meanwhile_abandons_an_entry(
    live: Deployment, venue: FakeVenue, unsent: Order
) -> None:
    state_set(live.account, TradingStateValue.REDUCING)
    assert tick(live) is TickResult.DONE
    assert statuses(live) == ABANDONED
    assert venue.placed == []


def test_desk_that_only_reduces_still_sends_an_exit(turn: Deployment, venue: FakeVenue) -> None:
    venue.answers = [Unavailable("connection refused")]
    assert tick(turn) is TickResult.WAITING
    state_set(turn.account, TradingStateValue.REDUCING)
    assert tick(turn) is TickResult.DONE
    assert statuses(turn) == [
        ("EXIT", "BUY", "NEW"),
        ("ENTRY", "BUY", "CANCELED"),
        ("STOP_LOSS", "SELL", "CANCELED"),
    ]


def test_order_waits_until_the_account_is_reconciled_after_a_start(
    live: Deployment, venue: FakeVenue, unsent: Order
) -> None:
    DeskStartFactory()
    before = records()
    assert tick(live) is TickResult.WAITING
    assert records() == before
    assert venue.placed == []
    reconcile(live.account)
    assert tick(live) is TickResult.DONE
    assert venue.ids_placed() == [unsent.client_order_id]


def test_order_waits_while_an_order_of_another_deployment_freezes_its_instrument(
    live: Deployment, venue: FakeVenue, unsent: Order, yesterday: datetime
) -> None:
    other = deployment_running(
        account=live.account,
        instruments=[instrument_of(live)],
        name="other",
        timeframe="1d",
        start=yesterday,
    )
    venue.answers = [OutcomeUnknown("timeout")]
    assert tick(other) is TickResult.WAITING
    venue.placed.clear()
    before = records()
    assert tick(live) is TickResult.WAITING
    assert records() == before
    assert venue.placed == []


def test_entry_does_not_overtake_the_exit_that_is_to_come_before_it(
    turn: Deployment, venue: FakeVenue
) -> None:
    venue.answers = [OutcomeUnknown("timeout")]
    assert tick(turn) is TickResult.WAITING
    before = records()
    assert tick(turn) is TickResult.WAITING
    assert records() == before
    assert [request.reduce_only for request in venue.placed] == [False]
    assert statuses(turn)[:2] == [("EXIT", "BUY", "UNKNOWN"), ("ENTRY", "BUY", "INTENT")]


def test_entry_is_abandoned_when_the_exit_before_it_is_rejected(
    turn: Deployment, venue: FakeVenue
) -> None:
    venue.answers = [Rejected("the market is closed", code="1")]
    assert tick(turn) is TickResult.DONE
    assert statuses(turn) == [
        ("EXIT", "BUY", "REJECTED"),
        ("ENTRY", "BUY", "CANCELED"),
        ("STOP_LOSS", "SELL", "CANCELED"),
    ]
    assert len(venue.placed) == 1
    before = records()
    cursors_rewind(turn)
    assert tick(turn) is TickResult.DONE
    assert records() == before
