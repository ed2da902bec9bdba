"""The steps of an order around the socket write, each committed by itself."""

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core.clock import now, wall_now
from apps.orders.domain.states import TRANSITIONS, IllegalTransition, OrderStatus
from apps.orders.models import Order
from apps.orders.services.events import (
    order_event_add,
    order_events_add,
    order_locked,
    order_move,
)
from apps.orders.services.exits import exits_cancel
from apps.orders.services.freezes import freeze_release_for, freeze_set

S = OrderStatus


@transaction.atomic(savepoint=False)
def order_claim(*, order: Order, epoch: int) -> bool:
    """Take an INTENT order for sending; only one worker ever gets True.

    The caller proves in the same transaction that its lease epoch is current, and commits before
    it writes to a socket.
    """
    changes = {
        "status": S.SENDING.value,
        "sent_at": now(),
        "claimed_epoch": epoch,
        "updated_at": wall_now(),
    }
    if Order.objects.filter(pk=order.pk, status=S.INTENT.value).update(**changes) != 1:
        return False
    for name, value in changes.items():
        setattr(order, name, value)
    order_event_add(
        order=order,
        kind="order.claimed",
        status_before=S.INTENT.value,
        details={"epoch": epoch},
    )
    return True


@transaction.atomic
def order_return_unsent(*, order: Order, reason: str) -> None:
    """Put an order back to INTENT after an error that proves that nothing was sent.

    Nothing is noted where it is back already, or another worker has claimed it since.

    Args:
        order: As the worker claimed it.
    """
    locked = order_locked(order.pk)
    if locked.status == S.INTENT or locked.claimed_epoch != order.claimed_epoch:
        return
    order_move(order=locked, target=S.INTENT, kind="order.returned_unsent", reason=reason)
    freeze_release_for(order=locked)


@transaction.atomic
def order_mark_unknown(*, order: Order, reason: str) -> None:
    """Note that nobody knows whether the venue has the order, and freeze its instrument.

    Nothing is noted where a report has told the truth meanwhile, or the order is UNKNOWN already.

    Raises:
        IllegalTransition: The order was never claimed for sending.
    """
    locked = order_locked(order.pk)
    if S(locked.status) is not S.INTENT and S.UNKNOWN not in TRANSITIONS[S(locked.status)]:
        return
    locked.unknown_since = wall_now()
    order_move(order=locked, target=S.UNKNOWN, kind="order.outcome_unknown", reason=reason)
    freeze_set(order=locked, reason=f"outcome of order {locked} is unknown: {reason}")


def order_look_up_note(*, order: Order, answer: str) -> None:
    """Note when an UNKNOWN order was looked up last, and what was answered; the last one counts."""
    looked_up = Order.objects.filter(pk=order.pk, status=S.UNKNOWN.value)
    looked_up.update(looked_up_at=wall_now(), looked_up_answer=answer[:400])


@transaction.atomic
def order_absence_record(*, order: Order, reason: str) -> None:
    """Return an UNKNOWN order to INTENT: the venue has proved over the window that it has none."""
    locked = order_locked(order.pk)
    if locked.status != S.UNKNOWN:
        raise IllegalTransition(S(locked.status), S.INTENT)
    order_move(order=locked, target=S.INTENT, kind="order.absence_proved", reason=reason)
    freeze_release_for(order=locked)


@transaction.atomic
def order_absent_end(*, order: Order, reason: str, actor: User | None = None) -> None:
    """End an UNKNOWN order that can never have arrived: it is canceled and never sent again.

    Raises:
        IllegalTransition: Its outcome is known by now; nothing is written.
    """
    order_absence_record(order=order, reason=reason)
    order_abandon(order=order, reason=reason, actor=actor)


@transaction.atomic
def order_reject(*, order: Order, code: str, reason: str) -> None:
    """Record the venue's final refusal; the exits that waited for the entry end with it.

    Nothing is noted where it is recorded already, or another worker has claimed the order since.

    Args:
        order: As the worker claimed it.

    Raises:
        IllegalTransition: The order has gone where no refusal can follow; nothing is written.
    """
    locked = order_locked(order.pk)
    if locked.status == S.REJECTED or locked.claimed_epoch != order.claimed_epoch:
        return
    order_move(
        order=locked,
        target=S.REJECTED,
        kind="order.rejected",
        reason=reason,
        details={"code": code},
    )
    freeze_release_for(order=locked)
    exits_cancel(entry=locked, reason="the entry was rejected")


@transaction.atomic
def order_abandon(*, order: Order, reason: str, actor: User | None = None) -> None:
    """Cancel an order that was never sent, with its exits."""
    locked = order_locked(order.pk)
    if locked.status != S.INTENT:
        raise IllegalTransition(S(locked.status), S.CANCELED)
    order_move(order=locked, target=S.CANCELED, kind="order.abandoned", reason=reason, actor=actor)
    freeze_release_for(order=locked)
    exits_cancel(entry=locked, reason=reason)


@transaction.atomic
def order_list_cancel_request(*, orders: QuerySet[Order], reason: str) -> int:
    """Note for many orders at once that we ask the venue to cancel them; return for how many.

    Left out are orders that are final or asked for already, exits that wait for their entry, and
    rows that another transaction holds: this waits for nobody, so it meets nobody in a deadlock.
    """
    locked = list(
        orders.filter(status__in=_CANCELABLE)
        .exclude(parent__isnull=False, status=S.PENDING_NEW.value)
        .select_for_update(of=("self",), skip_locked=True)
        .order_by("pk")
    )
    before = {order.pk: order.status for order in locked}
    Order.objects.filter(pk__in=before).update(
        status=S.PENDING_CANCEL.value, status_reason=reason[:400], updated_at=wall_now()
    )
    for order in locked:
        order.status = S.PENDING_CANCEL.value
    order_events_add(orders=locked, kind="order.cancel_requested", before=before, reason=reason)
    return len(locked)


_CANCELABLE = [state.value for state, after in TRANSITIONS.items() if S.PENDING_CANCEL in after]


@transaction.atomic
def order_cancel_request(*, order: Order, reason: str, actor: User | None = None) -> bool:
    """Note that we ask the venue to cancel; True when there is something to ask.

    An order that is final, or already being canceled, needs nothing more than to be asked again.
    """
    locked = order_locked(order.pk)
    if locked.status == S.PENDING_CANCEL:
        return True
    if S.PENDING_CANCEL not in TRANSITIONS[S(locked.status)]:
        return False
    order_move(
        order=locked,
        target=S.PENDING_CANCEL,
        kind="order.cancel_requested",
        reason=reason,
        actor=actor,
    )
    return True
