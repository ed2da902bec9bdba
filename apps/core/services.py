"""Writes the audit trail, in the transaction of the change that it records."""

from collections.abc import Mapping
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
    _transaction_require(action)
    event = _event(action=action, subject=subject, actor=actor, process=process, details=details)
    event.reason = reason
    event.save()
    return event


def audit_record_each(
    *, action: str, subjects: Mapping[models.Model, dict[str, Any]], process: str = "desk"
) -> None:
    """Record in one statement that the desk did the same to many rows.

    Args:
        action: Past tense, ``<entity>.<what_happened>``.
        subjects: The stored rows that changed, each with its details.
        process: Which part of the desk acted.

    Raises:
        AuditOutsideTransaction: No transaction is open.
    """
    _transaction_require(action)
    AuditEvent.objects.bulk_create(
        _event(action=action, subject=subject, actor=None, process=process, details=details)
        for subject, details in subjects.items()
    )


def _transaction_require(action: str) -> None:
    if not transaction.get_connection().in_atomic_block:
        raise AuditOutsideTransaction(f"{action} must be recorded in the transaction it describes")


def _event(
    *,
    action: str,
    subject: models.Model,
    actor: AbstractBaseUser | None,
    process: str,
    details: dict[str, Any] | None,
) -> AuditEvent:
    return AuditEvent(
        action=action,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        subject_label=str(subject)[:200],
        actor_id=actor.pk if actor else None,
        actor_label=actor.get_username() if actor else process,
        details=details or {},
        occurred_at=now(),
    )
