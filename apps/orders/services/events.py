"""Moves an order along the state table and writes each step down."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max
from psycopg.types.json import Jsonb

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.core.rows import row_of
from apps.core.services import audit_record, audit_record_each
from apps.orders.domain.states import FINAL, IllegalTransition, OrderStatus, status_require
from apps.orders.models import Order, OrderEvent, OrderQuote
from apps.orders.services.quotes import order_quote_record

# The row of the order is locked, so the next number is free
_APPEND = """
INSERT INTO orders_orderevent
    (order_id, sequence, kind, status_before, status_after, occurred_at, details)
SELECT
    %(order)s, coalesce(max(sequence), 0) + 1, %(kind)s, %(before)s, %(after)s, %(at)s, %(details)s
FROM orders_orderevent WHERE order_id = %(order)s
RETURNING id
"""


def order_event_add(
    *,
    order: Order,
    kind: str,
    status_before: str,
    occurred_at: datetime | None = None,
    details: dict[str, Any] | None = None,
    actor: User | None = None,
) -> None:
    """Append a step to a locked (or new) order's history.

    Args:
        order: In its new state; its row is locked by the caller.
        kind: Past tense, ``order.<what_happened>``; also the action of the audit event.
        status_before: Status before the step; "" for the intent.
        occurred_at: Venue or market time; now when None.
        details: Plain JSON values.
        actor: The person who did it; None when the desk acted by itself.
    """
    if actor is not None:
        details = {**(details or {}), "by": actor.get_username()}
    audit_record(
        action=kind,
        subject=order,
        actor=actor,
        process="execution",
        details={"status_before": status_before, "status_after": order.status, **(details or {})},
    )
    row_of(
        _APPEND,
        {
            "order": order.pk,
            "kind": kind,
            "before": status_before,
            "after": order.status,
            "at": occurred_at or now(),
            "details": Jsonb(details or {}),
        },
    )


def order_events_add(
    *, orders: Sequence[Order], kind: str, before: Mapping[int, str], reason: str
) -> None:
    """Append the same step to the histories of many locked orders, in three statements.

    Args:
        orders: In their new state.
        before: Status before the step by order id.
    """
    latest = dict(
        OrderEvent.objects.filter(order__in=orders)
        .order_by()
        .values_list("order")
        .annotate(latest=Max("sequence"))
    )
    audit_record_each(
        action=kind,
        subjects={
            order: {
                "status_before": before[order.pk],
                "status_after": order.status,
                "reason": reason,
            }
            for order in orders
        },
        process="execution",
    )
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=order,
            sequence=latest.get(order.pk, 0) + 1,
            kind=kind,
            status_before=before[order.pk],
            status_after=order.status,
            occurred_at=now(),
            details={"reason": reason},
        )
        for order in orders
    )


def order_move(
    *,
    order: Order,
    target: OrderStatus,
    kind: str,
    reason: str = "",
    occurred_at: datetime | None = None,
    details: dict[str, Any] | None = None,
    actor: User | None = None,
) -> None:
    """Set a locked order's status by the state table, save it and write the step down.

    Raises:
        IllegalTransition: The table does not list the step, or would reject an order that has
            filled; nothing is written.
    """
    before = OrderStatus(order.status)
    status_require(before, target)
    if target is OrderStatus.REJECTED and order.filled_quantity > 0:
        raise IllegalTransition(before, target)
    order.status = target.value
    if reason:
        order.status_reason = reason[:400]
    if target is not OrderStatus.UNKNOWN:
        order.unknown_since = None
    if target in FINAL:
        order.closed_at = occurred_at or now()
    order.save()
    if target in FINAL and order.sent_at is not None and order.leaves_quantity > 0:
        order_quote_record(order=order, moment=OrderQuote.Moment.END)
    order_event_add(
        order=order,
        kind=kind,
        status_before=before.value,
        occurred_at=occurred_at,
        details={**(details or {}), **({"reason": reason} if reason else {})},
        actor=actor,
    )


def order_locked(order_id: int) -> Order:
    """Return the order with its row locked until the transaction ends.

    Raises:
        Order.DoesNotExist: There is no such order.
    """
    return (
        Order.objects.select_for_update(of=("self",))
        .select_related("instrument", "account")
        .get(pk=order_id)
    )


def order_locked_named(*, account: TradingAccount, client_order_id: str) -> Order | None:
    """Return an account's order by its id, with its row locked, or None."""
    return (
        Order.objects.select_for_update(of=("self",))
        .select_related("instrument", "account")
        .filter(account=account, client_order_id=client_order_id)
        .order_by()
        .first()
    )
