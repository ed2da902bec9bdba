"""Opens a break for a difference, once while it stands, and resolves it by a person."""

from typing import Any

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.reconciliation.models import Break, ReconciliationRun


class BreakRefused(ValueError):
    """A break cannot be resolved so; the message says why."""


@transaction.atomic
def break_open(
    *,
    account: TradingAccount,
    kind: str,
    key: str,
    description: str,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    instrument: Instrument | None = None,
    order: Order | None = None,
    run: ReconciliationRun | None = None,
) -> Break:
    """Open a break; while one on the same thing stands open, that one is returned unchanged."""
    found, is_new = Break.objects.get_or_create(
        account=account,
        kind=kind,
        key=key[:160],
        state=Break.State.OPEN,
        defaults={
            "description": description[:400],
            "ours": ours,
            "theirs": theirs,
            "instrument": instrument,
            "order": order,
            "run": run,
        },
    )
    if is_new:
        audit_record(
            action="break.opened",
            subject=found,
            process="reconciliation",
            details={"kind": kind, "key": key, "ours": ours, "theirs": theirs},
        )
    return found


@transaction.atomic
def break_resolve(*, found: Break, actor: User, resolution: str) -> Break:
    """Close a break with what was done about it.

    Raises:
        BreakRefused: It is closed already, or no resolution is given.
    """
    if not resolution.strip():
        raise BreakRefused("say what was found and done about the break")
    locked = Break.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if locked.state != Break.State.OPEN:
        raise BreakRefused(f"the break was resolved already, at {locked.resolved_at:%Y-%m-%d}")
    locked.state = Break.State.RESOLVED
    locked.resolution = resolution.strip()[:400]
    locked.resolved_at = now()
    locked.save(update_fields=["state", "resolution", "resolved_at"])
    audit_record(action="break.resolved", subject=locked, actor=actor, reason=resolution)
    return locked
