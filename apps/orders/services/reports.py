"""Takes what a venue reports into our orders and fills, once each."""

from decimal import Decimal

from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.core.money import plain, stored
from apps.orders.domain.states import (
    FINAL,
    WORKING,
    OrderStatus,
    status_after_fill,
)
from apps.orders.domain.types import FillReport, OrderReport
from apps.orders.models import Fill, Order
from apps.orders.services.events import order_event_add, order_locked, order_move
from apps.orders.services.freezes import freeze_release_for

S = OrderStatus
_PROGRESS = {S.PENDING_NEW: 0, S.NEW: 1, S.PARTIALLY_FILLED: 2}


class OrderNotFound(LookupError):
    """A venue reports an order that the account does not know."""


def _order_of(account: TradingAccount, client_order_id: str) -> Order:
    found = (
        Order.objects.filter(account=account, client_order_id=client_order_id)
        .values_list("pk", flat=True)
        .first()
    )
    if found is None:
        raise OrderNotFound(f"{account} has no order {client_order_id}")
    return order_locked(found)


@transaction.atomic
def order_report_record(*, account: TradingAccount, report: OrderReport) -> Order:
    """Record where the venue says an order stands.

    Fills count only through ``fill_record``: a report of FILLED or PARTIALLY_FILLED here confirms
    that the venue has the order and leaves the quantities to the executions. A report that is
    older than what is known changes nothing.

    Raises:
        OrderNotFound: No order of the account has the client order id.
        IllegalTransition: The state table refuses the step; nothing is written.
    """
    order = _order_of(account, report.client_order_id)
    _terms_take_over(order, report)
    target = _target(order, report)
    if target is not None:
        order_move(
            order=order,
            target=target,
            kind=_KINDS.get(target, "order.reported"),
            reason=report.text,
            occurred_at=report.occurred_at,
        )
    if order.status not in (S.UNKNOWN, S.SENDING, S.INTENT):
        freeze_release_for(order=order)
        _exits_follow(order, report)
    return order


_KINDS = {
    S.PENDING_NEW: "order.acknowledged",
    S.NEW: "order.accepted",
    S.CANCELED: "order.canceled",
    S.REJECTED: "order.rejected",
    S.EXPIRED: "order.expired",
}


def _target(order: Order, report: OrderReport) -> OrderStatus | None:
    """Return the status to move to, or None when the report says nothing new."""
    current, told = S(order.status), report.status
    if told in (S.FILLED, S.PARTIALLY_FILLED):
        told = S.NEW
    if current == told or (current in FINAL and told not in FINAL):
        return None
    if told in _PROGRESS and current in _PROGRESS and _PROGRESS[told] <= _PROGRESS[current]:
        return None
    if told in (S.NEW, S.PENDING_NEW) and current in (S.PENDING_CANCEL, S.PENDING_REPLACE):
        return None
    return told


def _terms_take_over(order: Order, report: OrderReport) -> None:
    """Keep the venue's order id, and the price and size that it gave an attached exit."""
    terms: dict[str, Decimal | str] = {}
    if report.venue_order_id and not order.venue_order_id:
        terms["venue_order_id"] = report.venue_order_id
    if order.distance_ratio is not None:
        price = ("stop_price", report.stop_price), ("limit_price", report.limit_price)
        terms.update({name: value for name, value in price if value is not None})
        terms["quantity"] = report.quantity
    changed = {name: value for name, value in terms.items() if getattr(order, name) != value}
    if not changed:
        return
    for name, value in changed.items():
        setattr(order, name, value)
    order.save(update_fields=[*changed, "updated_at"])
    if set(changed) - {"venue_order_id"}:
        order_event_add(
            order=order,
            kind="order.terms_set_by_venue",
            status_before=order.status,
            occurred_at=report.occurred_at,
            details={
                name: plain(value) if isinstance(value, Decimal) else value
                for name, value in changed.items()
            },
        )


def _exits_follow(entry: Order, report: OrderReport) -> None:
    """Once the venue has the entry, it holds the attached exits too."""
    if entry.parent_id is not None or S(entry.status) not in WORKING | {S.FILLED}:
        return
    for exit_order in (
        Order.objects.select_for_update(of=("self",))
        .filter(parent=entry, status=S.INTENT.value)
        .order_by("pk")
    ):
        order_move(
            order=exit_order,
            target=S.PENDING_NEW,
            kind="order.acknowledged",
            occurred_at=report.occurred_at,
        )


@transaction.atomic
def fill_record(*, account: TradingAccount, report: FillReport) -> tuple[Fill, bool]:
    """Record an execution and advance its order.

    Returns:
        The fill, and whether it is new. Repeating a report returns the first recording.

    Raises:
        OrderNotFound: No order of the account has the client order id.
        Overfill, IllegalTransition: The order cannot take this fill; nothing is written.
    """
    order = _order_of(account, report.client_order_id)
    if known := Fill.objects.filter(order=order, trade_id=report.trade_id).first():
        return known, False
    before = order.status
    filled = order.filled_quantity + report.quantity
    status = status_after_fill(S(before), quantity=order.quantity, filled_quantity=filled)
    notional = (order.average_fill_price or Decimal(0)) * order.filled_quantity
    order.average_fill_price = stored((notional + report.price * report.quantity) / filled)
    order.filled_quantity = filled
    order.status = status.value
    order.unknown_since = None
    if status in FINAL:
        order.closed_at = report.executed_at
    if not order.venue_order_id:
        order.venue_order_id = report.venue_order_id
    order.save()
    fill = Fill.objects.create(
        order=order,
        trade_id=report.trade_id,
        side=report.side.value,
        quantity=report.quantity,
        price=report.price,
        commission=stored(report.commission),
        commission_currency=report.commission_currency,
        executed_at=report.executed_at,
    )
    order_event_add(
        order=order,
        kind="order.filled" if status is S.FILLED else "order.partially_filled",
        status_before=before,
        occurred_at=report.executed_at,
        details={
            "trade_id": report.trade_id,
            "quantity": plain(report.quantity),
            "price": plain(report.price),
        },
    )
    freeze_release_for(order=order)
    return fill, True
