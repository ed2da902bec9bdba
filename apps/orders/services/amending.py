"""Changes the terms of a working order: asked for, then confirmed or refused by the venue."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.money import plain
from apps.orders.domain.states import TRANSITIONS, OrderStatus, ReportContradicts
from apps.orders.domain.types import OrderReport
from apps.orders.models import Order
from apps.orders.selectors.changes import AMEND_REQUESTED, AMEND_SENDING
from apps.orders.services.events import order_event_add, order_locked, order_move

S = OrderStatus
_AMENDABLE = (S.PENDING_REPLACE, S.PENDING_CANCEL)


class AmendmentRefused(ValueError):
    """An order cannot be changed so; the sentence says why."""


@transaction.atomic
def order_amend_request(
    *,
    order: Order,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    reason: str,
    actor: User | None = None,
) -> Order:
    """Note that we ask the venue for new terms; None leaves a term as it is.

    Returns:
        The order, PENDING_REPLACE, with the terms in ``amendment``.

    Raises:
        AmendmentRefused: It does not work at the venue, another change is on its way, nothing
            would change, or the quantity is not above what has filled.
    """
    locked = order_locked(order.pk)
    if S.PENDING_REPLACE not in TRANSITIONS[S(locked.status)]:
        raise AmendmentRefused(
            f"order {locked} is {locked.get_status_display().lower()}; only an order that works "
            "at the venue can be changed"
        )
    asked = {"quantity": quantity, "limit_price": limit_price, "stop_price": stop_price}
    changes = {
        name: value
        for name, value in asked.items()
        if value is not None and value != getattr(locked, name)
    }
    if not changes:
        raise AmendmentRefused(f"order {locked} has these terms already")
    if quantity is not None and quantity <= locked.filled_quantity:
        raise AmendmentRefused(
            f"quantity {plain(quantity)} must be above the {plain(locked.filled_quantity)} that "
            "have filled; cancel the order instead"
        )
    locked.amendment = {name: plain(value) for name, value in changes.items()}
    order_move(
        order=locked,
        target=S.PENDING_REPLACE,
        kind=AMEND_REQUESTED,
        reason=reason,
        details={
            "terms": locked.amendment,
            "before": {name: _text(getattr(locked, name)) for name in changes},
        },
        actor=actor,
    )
    return locked


@transaction.atomic
def order_amend_sending_note(*, order: Order) -> None:
    """Write down, before the socket is, that the new terms are being sent to the venue."""
    locked = order_locked(order.pk)
    order_event_add(
        order=locked,
        kind=AMEND_SENDING,
        status_before=locked.status,
        details={"terms": locked.amendment},
    )


@transaction.atomic
def order_amend_refuse(*, order: Order, reason: str, code: str = "") -> None:
    """Record that the order is left as it was; it stays canceled or ended, where it is.

    Args:
        code: Of the venue; "" where it was never asked.
    """
    locked = order_locked(order.pk)
    if locked.amendment is None:
        return
    locked.amendment = None
    _follow(
        locked,
        target=_working_status(locked) if locked.status == S.PENDING_REPLACE else None,
        kind="order.amend_refused",
        reason=reason,
        details={"code": code},
    )


def amendment_follow(*, order: Order, report: OrderReport) -> bool:
    """Take over the terms of a pending amendment that a report shows to be in force.

    Args:
        order: Locked by the caller.

    Returns:
        Whether the report confirmed the amendment; else it is to be taken in like any other.

    Raises:
        ReportContradicts: More has filled than the new terms allow; nothing is written.
    """
    if order.status not in _AMENDABLE or order.amendment is None:
        return False
    if report.status not in (S.NEW, S.PARTIALLY_FILLED, S.FILLED):
        return False
    wanted = {name: Decimal(value) for name, value in order.amendment.items()}
    if any(getattr(report, name) != value for name, value in wanted.items()):
        return False
    if wanted.get("quantity", order.quantity) < order.filled_quantity:
        raise ReportContradicts(
            f"order {order} has filled {plain(order.filled_quantity)}; the venue reports it with "
            f"a quantity of {plain(report.quantity)}"
        )
    before = {name: _text(getattr(order, name)) for name in wanted}
    for name, value in wanted.items():
        setattr(order, name, value)
    order.amendment = None
    working = _working_status(order)
    is_canceling = order.status == S.PENDING_CANCEL and working != S.FILLED
    _follow(
        order,
        target=None if is_canceling else working,
        kind="order.amended",
        occurred_at=report.occurred_at,
        details={"before": before, "after": {name: plain(value) for name, value in wanted.items()}},
    )
    return True


def amended_quantity(order: Order) -> Decimal:
    """Return how many units may fill: a larger quantity that was asked for counts already.

    It counts until the venue confirms or refuses it, for a cancel may follow it on its way.
    """
    if order.amendment is None:
        return order.quantity
    return max(order.quantity, Decimal(order.amendment.get("quantity", order.quantity)))


def _follow(
    order: Order,
    *,
    target: OrderStatus | None,
    kind: str,
    details: dict[str, Any],
    reason: str = "",
    occurred_at: datetime | None = None,
) -> None:
    """Save a locked order and write down what became of its amendment.

    Args:
        target: None where the order is on its way to an end, or has ended: its status stays.
    """
    if target is not None:
        order_move(
            order=order,
            target=target,
            kind=kind,
            reason=reason,
            occurred_at=occurred_at,
            details=details,
        )
        return
    order.save()
    order_event_add(
        order=order,
        kind=kind,
        status_before=order.status,
        occurred_at=occurred_at,
        details={**details, **({"reason": reason} if reason else {})},
    )


def _working_status(order: Order) -> OrderStatus:
    if order.filled_quantity == order.quantity:
        return S.FILLED
    return S.PARTIALLY_FILLED if order.filled_quantity > 0 else S.NEW


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
