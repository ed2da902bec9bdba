"""Writes the audit trail, in the transaction of the change that it records."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction

from apps.core.clock import now
from apps.core.models import AuditEvent


class AuditOutsideTransaction(RuntimeError):
    """An audit event was about to be written apart from the change that it records."""


def audit_record(
    *,
    action: str,
    subject: models.Model,
    actor: AbstractBaseUser | None = None,
    process: str = "desk",
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """Record that something was done to ``subject``.

    Args:
        action: Past tense, ``<entity>.<what_happened>``.
        subject: The stored row that changed.
        actor: The person who did it; None when the desk acted by itself.
        process: Which part of the desk acted, where no person did.
        reason: What the person gave as the reason.
        details: Plain JSON values; no secrets.

    Raises:
        AuditOutsideTransaction: No transaction is open.
    """
    if not transaction.get_connection().in_atomic_block:
        raise AuditOutsideTransaction(f"{action} must be recorded in the transaction it describes")
    return AuditEvent.objects.create(
        action=action,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        subject_label=str(subject)[:200],
        actor_id=actor.pk if actor else None,
        actor_label=actor.get_username() if actor else process,
        reason=reason,
        details=details or {},
        occurred_at=now(),
    )
