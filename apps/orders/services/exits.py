"""Lets the protective exits of an entry follow what becomes of it."""

from datetime import datetime

from apps.core.rows import row_of
from apps.orders.domain.states import FINAL, WORKING, OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.models import Order
from apps.orders.services.events import order_move

S = OrderStatus
_NEVER_SENT = {S.INTENT.value}
_WAITING = {S.INTENT.value, S.PENDING_NEW.value}


def exits_follow(*, entry: Order, has_filled: bool, occurred_at: datetime) -> None:
    """Bring exits that nobody has sent in line with their entry, whose row is locked.

    Once the venue has the entry it holds the exits too; when the entry has ended without a fill
    they end with it.

    Args:
        has_filled: By our count or the venue's: its executions may arrive after the report.
        occurred_at: Venue time (UTC).
    """
    if entry.role != OrderRole.ENTRY:
        return
    status = S(entry.status)
    if status in WORKING or (status in FINAL and has_filled):
        for exit_order in _exits_locked(entry, _NEVER_SENT):
            order_move(
                order=exit_order,
                target=S.PENDING_NEW,
                kind="order.acknowledged",
                occurred_at=occurred_at,
            )
    elif status in FINAL:
        exits_cancel(entry=entry, reason="the entry ended unfilled", waiting=_NEVER_SENT)


def exits_cancel(*, entry: Order, reason: str, waiting: set[str] | None = None) -> None:
    """Cancel the exits that wait for an entry which will never live.

    Args:
        waiting: In which statuses; by default also those that the venue has acknowledged.
    """
    for exit_order in _exits_locked(entry, waiting or _WAITING):
        order_move(order=exit_order, target=S.CANCELED, kind="order.canceled", reason=reason)


_ANY = "SELECT id FROM orders_order WHERE parent_id = %(entry)s LIMIT 1"


def _exits_locked(entry: Order, statuses: set[str]) -> list[Order]:
    if row_of(_ANY, {"entry": entry.pk}) is None:
        return []
    return list(
        Order.objects.select_for_update(of=("self",))
        .filter(parent=entry, status__in=statuses)
        .order_by("pk")
    )
