"""Freezes an account's instrument while the truth about an order is not known."""

from apps.core.clock import now
from apps.core.rows import row_of
from apps.core.services import audit_record
from apps.orders.models import InstrumentFreeze, Order


def freeze_set(*, order: Order, reason: str) -> InstrumentFreeze:
    """Freeze the order's account and instrument; an open freeze of the order is kept.

    Must run in the transaction that makes the order UNKNOWN.
    """
    freeze, created = InstrumentFreeze.objects.get_or_create(
        order=order,
        released_at=None,
        defaults={
            "account": order.account,
            "instrument": order.instrument,
            "reason": reason[:400],
        },
    )
    if created:
        audit_record(action="instrument.frozen", subject=freeze, reason=reason)
    return freeze


_OPEN = "SELECT id FROM orders_instrumentfreeze WHERE order_id = %(order)s AND released_at IS NULL"


def freeze_release_for(*, order: Order) -> None:
    """Release what the order froze; harmless when nothing is frozen."""
    if row_of(_OPEN, {"order": order.pk}) is None:
        return
    for freeze in InstrumentFreeze.objects.select_for_update().filter(
        order=order, released_at=None
    ):
        freeze.released_at = now()
        freeze.save(update_fields=["released_at"])
        audit_record(action="instrument.unfrozen", subject=freeze)
