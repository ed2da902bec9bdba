from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingAccount
from apps.core.ids import client_order_id
from apps.core.models import AuditEvent
from apps.marketdata.models import Instrument
from apps.orders.domain.states import IllegalTransition, OrderStatus, Overfill
from apps.orders.domain.types import (
    FillReport,
    OrderReport,
    OrderRole,
    OrderType,
    Side,
)
from apps.orders.models import Fill, InstrumentFreeze, Order, OrderEvent
from apps.orders.services import (
    ExitPlan,
    OrderNotFound,
    OrderPlan,
    fill_record,
    order_abandon,
    order_absence_record,
    order_cancel_request,
    order_claim,
    order_create,
    order_mark_unknown,
    order_reject,
    order_report_record,
    order_return_unsent,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db
S = OrderStatus
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def account(db: None) -> TradingAccount:
    return TradingAccountFactory(broker="PAPER")


@pytest.fixture
def instrument(db: None) -> Instrument:
    return InstrumentFactory()


def a_plan(**changes: Any) -> OrderPlan:
    values: dict[str, Any] = {
        "key": "k",
        "decided_at": AT,
        "side": Side.BUY,
        "role": OrderRole.ENTRY,
        "order_type": OrderType.MARKET,
        "quantity": Decimal(2),
        "exits": (
            ExitPlan(role=OrderRole.STOP_LOSS, distance_ratio=Decimal("0.01")),
            ExitPlan(role=OrderRole.TAKE_PROFIT, distance_ratio=Decimal("0.02")),
        ),
    }
    return OrderPlan(**{**values, **changes})


@pytest.fixture
def entry(account: TradingAccount, instrument: Instrument) -> Order:
    return order_create(account=account, instrument=instrument, plan=a_plan())


def report(order: Order, status: OrderStatus, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "venue_order_id": f"V{order.client_order_id}",
        "symbol": order.instrument.symbol,
        "side": Side(order.side),
        "quantity": order.quantity,
        "status": status,
        "filled_quantity": Decimal(0),
        "occurred_at": AT,
    }
    return OrderReport(**{**values, **changes})


def a_fill(order: Order, quantity: int, trade_id: str = "t1", price: str = "100") -> FillReport:
    return FillReport(
        trade_id=trade_id,
        client_order_id=order.client_order_id,
        venue_order_id="V1",
        symbol=order.instrument.symbol,
        side=Side(order.side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal("0.06"),
        commission_currency="USDT",
        executed_at=AT,
    )


def sent(order: Order, status: OrderStatus = S.NEW) -> Order:
    assert order_claim(order=order, epoch=1)
    order_report_record(account=order.account, report=report(order, status))
    order.refresh_from_db()
    return order


def statuses(entry: Order) -> dict[str, str]:
    return {order.role: order.status for order in Order.objects.filter(account=entry.account)}


def test_order_is_stored_with_its_exits_events_and_audit(entry: Order) -> None:
    assert statuses(entry) == {"ENTRY": "INTENT", "STOP_LOSS": "INTENT", "TAKE_PROFIT": "INTENT"}
    assert OrderEvent.objects.filter(kind="order.intended").count() == 3
    assert AuditEvent.objects.filter(action="order.intended").count() == 3


def test_same_key_and_moment_cannot_make_a_second_order(
    entry: Order, account: TradingAccount, instrument: Instrument
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        order_create(account=account, instrument=instrument, plan=a_plan())
    assert Order.objects.count() == 3


def test_claim_is_won_once(entry: Order) -> None:
    assert order_claim(order=entry, epoch=1) is True
    assert order_claim(order=entry, epoch=2) is False
    assert entry.events.filter(kind="order.claimed").count() == 1


def test_acknowledged_entry_takes_its_exits_along(entry: Order) -> None:
    sent(entry)
    assert statuses(entry) == {
        "ENTRY": "NEW",
        "STOP_LOSS": "PENDING_NEW",
        "TAKE_PROFIT": "PENDING_NEW",
    }


def test_rejected_entry_ends_its_exits(entry: Order) -> None:
    order_claim(order=entry, epoch=1)
    order_reject(order=entry, code="110007", reason="not enough margin")
    assert statuses(entry) == {
        "ENTRY": "REJECTED",
        "STOP_LOSS": "CANCELED",
        "TAKE_PROFIT": "CANCELED",
    }


def test_unknown_outcome_freezes_the_instrument_until_the_truth_is_known(entry: Order) -> None:
    order_claim(order=entry, epoch=1)
    order_mark_unknown(order=entry, reason="timeout")
    order_mark_unknown(order=entry, reason="timeout again")
    assert InstrumentFreeze.objects.filter(released_at=None).count() == 1
    order_report_record(account=entry.account, report=report(entry, S.NEW))
    assert InstrumentFreeze.objects.filter(released_at=None).count() == 0


def test_order_returns_to_intent_only_from_a_proved_absence(entry: Order) -> None:
    with pytest.raises(IllegalTransition):
        order_absence_record(order=entry, reason="")
    order_claim(order=entry, epoch=1)
    order_mark_unknown(order=entry, reason="timeout")
    order_absence_record(order=entry, reason="not found for 2 s")
    entry.refresh_from_db()
    assert entry.status == S.INTENT
    assert entry.unknown_since is None
    assert InstrumentFreeze.objects.filter(released_at=None).count() == 0


def test_order_that_certainly_was_not_sent_can_be_claimed_again(entry: Order) -> None:
    order_claim(order=entry, epoch=1)
    order_return_unsent(order=entry, reason="Unavailable: refused")
    assert order_claim(order=entry, epoch=2) is True


def test_abandoned_order_ends_with_its_exits_and_a_sent_one_cannot_be_abandoned(
    entry: Order,
) -> None:
    order_abandon(order=entry, reason="stale")
    assert set(statuses(entry).values()) == {"CANCELED"}
    with pytest.raises(IllegalTransition):
        order_abandon(order=entry, reason="again")


def test_fill_is_recorded_once_and_averages_the_price(entry: Order) -> None:
    sent(entry)
    first, is_new = fill_record(account=entry.account, report=a_fill(entry, 1, price="100"))
    again, is_new_again = fill_record(account=entry.account, report=a_fill(entry, 1, price="100"))
    assert (first.pk, is_new, is_new_again) == (again.pk, True, False)
    fill_record(account=entry.account, report=a_fill(entry, 1, trade_id="t2", price="103"))
    entry.refresh_from_db()
    assert entry.status == S.FILLED
    assert entry.average_fill_price == Decimal("101.5")
    assert Fill.objects.count() == 2


def test_overfill_is_refused_and_nothing_is_written(entry: Order) -> None:
    sent(entry)
    events = OrderEvent.objects.count()
    with pytest.raises(Overfill):
        fill_record(account=entry.account, report=a_fill(entry, 3))
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity) == ("NEW", Decimal(0))
    assert Fill.objects.count() == 0
    assert OrderEvent.objects.count() == events


def test_fill_after_rejection_is_refused_and_nothing_is_written(entry: Order) -> None:
    order_claim(order=entry, epoch=1)
    order_reject(order=entry, code="1", reason="no")
    with pytest.raises(IllegalTransition, match="REJECTED to FILLED"):
        fill_record(account=entry.account, report=a_fill(entry, 2))
    assert Fill.objects.exists() is False


def test_report_on_an_unknown_order_is_refused(entry: Order, account: TradingAccount) -> None:
    stranger = Order(client_order_id="NOBODY", instrument=entry.instrument, side="BUY", quantity=1)
    with pytest.raises(OrderNotFound):
        order_report_record(account=account, report=report(stranger, S.NEW))
    with pytest.raises(OrderNotFound):
        fill_record(account=account, report=a_fill(stranger, 1))


def test_late_acknowledgement_after_a_fill_changes_nothing(entry: Order) -> None:
    sent(entry)
    fill_record(account=entry.account, report=a_fill(entry, 1))
    before = OrderEvent.objects.count()
    order_report_record(account=entry.account, report=report(entry, S.NEW))
    order_report_record(account=entry.account, report=report(entry, S.PENDING_NEW))
    entry.refresh_from_db()
    assert entry.status == S.PARTIALLY_FILLED
    assert OrderEvent.objects.count() == before


def test_report_of_filled_waits_for_the_executions(entry: Order) -> None:
    order_claim(order=entry, epoch=1)
    order_report_record(account=entry.account, report=report(entry, S.FILLED))
    entry.refresh_from_db()
    assert (entry.status, entry.filled_quantity) == ("NEW", Decimal(0))


def test_cancel_is_requested_once_and_confirmed_by_the_venue(entry: Order) -> None:
    sent(entry)
    assert order_cancel_request(order=entry, reason="signal") is True
    assert order_cancel_request(order=entry, reason="signal") is True
    assert entry.events.filter(kind="order.cancel_requested").count() == 1
    order_report_record(account=entry.account, report=report(entry, S.CANCELED))
    entry.refresh_from_db()
    assert entry.status == S.CANCELED
    assert order_cancel_request(order=entry, reason="late") is False


def test_venue_sets_price_and_size_of_an_attached_exit(entry: Order) -> None:
    sent(entry)
    stop = entry.exits.get(role="STOP_LOSS")
    order_report_record(
        account=entry.account,
        report=report(stop, S.NEW, stop_price=Decimal(99), quantity=Decimal(1)),
    )
    stop.refresh_from_db()
    assert (stop.status, stop.stop_price, stop.quantity) == ("NEW", Decimal(99), Decimal(1))
    assert stop.events.filter(kind="order.terms_set_by_venue").count() == 1


def test_events_are_numbered_without_gaps(entry: Order) -> None:
    sent(entry)
    fill_record(account=entry.account, report=a_fill(entry, 2))
    numbers = list(entry.events.order_by("sequence").values_list("sequence", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def test_client_order_ids_sort_by_time_and_fit_the_tightest_venue() -> None:
    early = client_order_id(at=AT, key="z")
    late = client_order_id(at=AT.replace(year=2027), key="a")
    assert early < late
    assert len(early) == 19
    assert early.isalnum()
    assert early.isascii()
