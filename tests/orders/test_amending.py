"""An amendment is asked for, then in force or refused; fills that cross it are never lost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.orders.domain.states import OrderStatus, Overfill, ReportContradicts
from apps.orders.domain.types import FillReport, OrderReport, Side
from apps.orders.models import Order
from apps.orders.services import (
    AmendmentRefused,
    fill_record,
    order_amend_refuse,
    order_amend_request,
    order_cancel_request,
    order_report_record,
)
from tests.factories.orders import OrderFactory

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


@pytest.fixture
def order() -> Order:
    return OrderFactory(order_type="LIMIT", limit_price=D(100), quantity=D(10), status="NEW")


def asked(order: Order, **terms: Any) -> Order:
    return order_amend_request(order=order, reason="better price", **terms)


def report(order: Order, status: OrderStatus = S.NEW, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "venue_order_id": "V1",
        "symbol": order.instrument.symbol,
        "side": Side(order.side),
        "quantity": D(10),
        "limit_price": D(100),
        "status": status,
        "filled_quantity": D(0),
        "occurred_at": order.decided_at + timedelta(seconds=1),
    }
    return OrderReport(**(values | changes))


def filled(order: Order, quantity: int, trade_id: str) -> None:
    fill_record(
        account=order.account,
        report=FillReport(
            trade_id=trade_id,
            client_order_id=order.client_order_id,
            venue_order_id="V1",
            symbol=order.instrument.symbol,
            side=Side(order.side),
            quantity=D(quantity),
            price=D(100),
            commission=D(0),
            commission_currency="USDT",
            executed_at=order.decided_at + timedelta(seconds=2),
        ),
    )


def stands(order: Order, *names: str) -> list[Any]:
    return [getattr(order, name) for name in names]


def taken_in(order: Order, reported: OrderReport) -> Order:
    order_report_record(account=order.account, report=reported)
    order.refresh_from_db()
    return order


def test_the_new_terms_count_only_once_the_venue_has_them(order: Order) -> None:
    waiting = asked(order, limit_price=D(99))
    assert stands(waiting, "status", "limit_price") == [S.PENDING_REPLACE, 100]
    after = taken_in(order, report(order, limit_price=D(99)))
    assert stands(after, "status", "limit_price", "amendment") == [S.NEW, 99, None]
    kinds = list(order.events.order_by("sequence").values_list("kind", flat=True))
    assert kinds == ["order.amend_requested", "order.amended"]


def test_a_report_of_the_old_terms_leaves_it_waiting(order: Order) -> None:
    asked(order, limit_price=D(99))
    assert taken_in(order, report(order)).status == S.PENDING_REPLACE


def test_a_refusal_leaves_the_old_terms(order: Order) -> None:
    order_amend_refuse(order=asked(order, limit_price=D(99)), reason="too far", code="X")
    order.refresh_from_db()
    assert stands(order, "status", "limit_price", "amendment") == [S.NEW, 100, None]
    order_amend_refuse(order=order, reason="told twice")
    assert order.events.count() == 2


def test_an_end_overtakes_the_amendment(order: Order) -> None:
    asked(order, limit_price=D(99))
    assert taken_in(order, report(order, S.CANCELED)).status == S.CANCELED


def test_a_fill_beyond_the_old_quantity_proves_the_larger_one(order: Order) -> None:
    asked(order, quantity=D(15))
    filled(order, 10, "A")
    order.refresh_from_db()
    assert order.status == S.PENDING_REPLACE
    filled(order, 3, "B")
    order.refresh_from_db()
    assert stands(order, "quantity", "filled_quantity") == [15, 13]
    after = taken_in(order, report(order, S.PARTIALLY_FILLED, quantity=D(15)))
    assert after.status == S.PARTIALLY_FILLED
    with pytest.raises(Overfill):
        filled(order, 3, "C")


def test_a_refused_enlargement_of_a_full_order_leaves_it_filled(order: Order) -> None:
    asked(order, quantity=D(15))
    filled(order, 10, "A")
    order_amend_refuse(order=order, reason="too late")
    order.refresh_from_db()
    assert order.status == S.FILLED


def test_a_reduction_that_is_full_already_ends_filled(order: Order) -> None:
    asked(order, quantity=D(6))
    filled(order, 6, "A")
    after = taken_in(order, report(order, S.FILLED, quantity=D(6)))
    assert stands(after, "status", "quantity") == [S.FILLED, 6]


def test_a_reduction_below_what_has_filled_is_refused_and_nothing_is_written(
    order: Order,
) -> None:
    asked(order, quantity=D(6))
    filled(order, 7, "A")
    order.refresh_from_db()
    before = stands(order, "status", "quantity", "amendment"), order.events.count()
    with pytest.raises(ReportContradicts, match="has filled 7; the venue reports it with a quan"):
        taken_in(order, report(order, S.PARTIALLY_FILLED, quantity=D(6)))
    order.refresh_from_db()
    assert (stands(order, "status", "quantity", "amendment"), order.events.count()) == before


def test_a_cancel_on_its_way_does_not_lose_the_larger_quantity(order: Order) -> None:
    asked(order, quantity=D(15))
    order_cancel_request(order=order, reason="enough")
    filled(order, 12, "A")
    order.refresh_from_db()
    assert stands(order, "status", "quantity", "filled_quantity") == [S.PENDING_CANCEL, 15, 12]
    after = taken_in(order, report(order, S.CANCELED, quantity=D(15)))
    assert after.status == S.CANCELED


def test_terms_in_force_are_taken_over_while_a_cancel_is_on_its_way(order: Order) -> None:
    asked(order, quantity=D(15))
    order_cancel_request(order=order, reason="enough")
    after = taken_in(order, report(order, quantity=D(15)))
    assert stands(after, "status", "quantity", "amendment") == [S.PENDING_CANCEL, 15, None]
    last = order.events.order_by("sequence").last()
    assert last is not None
    assert [last.kind, last.status_before, last.status_after] == [
        "order.amended",
        S.PENDING_CANCEL,
        S.PENDING_CANCEL,
    ]
    filled(order, 15, "A")
    order.refresh_from_db()
    assert order.status == S.FILLED


def test_a_refusal_ends_the_larger_quantity_whatever_was_asked_since(order: Order) -> None:
    asked(order, quantity=D(15))
    order_cancel_request(order=order, reason="enough")
    order_amend_refuse(order=order, reason="too late", code="X")
    order.refresh_from_db()
    assert stands(order, "status", "status_reason", "amendment") == [
        S.PENDING_CANCEL,
        "enough",
        None,
    ]
    with pytest.raises(Overfill):
        filled(order, 12, "A")


@pytest.mark.parametrize(
    ("status", "terms", "words"),
    [
        ("NEW", {"limit_price": D(100)}, "has these terms already"),
        ("NEW", {}, "has these terms already"),
        ("FILLED", {"limit_price": D(99)}, "only an order that works"),
        ("UNKNOWN", {"limit_price": D(99)}, "only an order that works"),
        ("PENDING_CANCEL", {"limit_price": D(99)}, "only an order that works"),
        ("PARTIALLY_FILLED", {"quantity": D(4)}, "must be above the 4"),
    ],
)
def test_what_cannot_be_changed_is_refused_and_nothing_is_written(
    status: str, terms: dict[str, Decimal], words: str
) -> None:
    whole = D(10) if status == "FILLED" else D(4)
    order = OrderFactory(
        order_type="LIMIT",
        limit_price=D(100),
        quantity=D(10),
        status=status,
        filled_quantity=whole,
    )
    with pytest.raises(AmendmentRefused, match=words):
        asked(order, **terms)
    order.refresh_from_db()
    assert stands(order, "status", "amendment") == [status, None]
    assert not order.events.exists()
