"""Tells why a person cannot cancel or amend an order, and how far a change of it has come."""

from datetime import datetime

from apps.orders.domain.states import FINAL, TRANSITIONS, UNRESOLVED, OrderStatus
from apps.orders.models import Order, OrderEvent

S = OrderStatus
AMEND_REQUESTED = "order.amend_requested"
AMEND_SENDING = "order.amend_sending"


def cancel_objection(order: Order) -> str | None:
    """Say why an order cannot be canceled by a person, or None; it asks the database nothing."""
    status = S(order.status)
    if status in FINAL:
        return f"It is {_word(order)} already; nothing of it works any more."
    if objection := _not_alone(order):
        return objection
    if status in UNRESOLVED:
        return (
            "Nobody knows yet whether the venue has it; it can be canceled once its look-up has "
            "found that out."
        )
    if order.parent_id is not None and status in (S.INTENT, S.PENDING_NEW):
        return "It waits for its entry and ends with it; cancel the entry instead."
    return None


def amend_objection(order: Order) -> str | None:
    """Say why the terms of an order cannot be changed by a person, or None."""
    if objection := _not_alone(order):
        return objection
    if order.deployment_id is not None or order.parent_id is not None:
        return (
            "A strategy asked for it, and what runs must be what was tested; cancel it instead, "
            "or stop its deployment."
        )
    if S.PENDING_REPLACE not in TRANSITIONS[S(order.status)]:
        return f"It is {_word(order)}; only an order that works at the venue can be changed."
    return None


def amendment_asked_at(order: Order) -> datetime:
    """Return since when an order waits for its new terms, machine time."""
    return _amendment_asked(order).recorded_at


def amendment_has_gone_out(order: Order) -> bool:
    """Tell whether the new terms were perhaps sent: a worker has begun to."""
    asked = _amendment_asked(order)
    return order.events.filter(kind=AMEND_SENDING, sequence__gt=asked.sequence).exists()


def _amendment_asked(order: Order) -> OrderEvent:
    asked: OrderEvent = order.events.filter(kind=AMEND_REQUESTED).latest("sequence")
    return asked


def _not_alone(order: Order) -> str | None:
    if order.kill_switch_id is not None:
        return f"It closes a position for kill switch {order.kill_switch_id}, which looks after it."
    if order.group_id is not None:
        return f"It is a leg of managed order {order.group_id}; cancel that one as a whole."
    return None


def _word(order: Order) -> str:
    if order.status == S.INTENT:
        return "not sent yet"
    return order.status.lower().replace("_", " ")
