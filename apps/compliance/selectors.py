"""Reads the audit trail: what happened to a thing, what a person did, what a day held."""

from datetime import datetime

from django.db.models import Model, QuerySet

from apps.accounts.models import User
from apps.core.models import AuditEvent


def audit_event_list_for_subject(subject: Model) -> QuerySet[AuditEvent]:
    """Return what was done to one stored row, newest first; also after the row is gone."""
    return AuditEvent.objects.filter(subject_type=subject._meta.label, subject_id=str(subject.pk))


def audit_event_list_by_actor(actor: User | None) -> QuerySet[AuditEvent]:
    """Return what one person did, newest first; None asks for what the desk did by itself."""
    return AuditEvent.objects.filter(actor_id=actor.pk if actor else None)


def audit_event_list_between(
    *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what happened in a period, newest first.

    Args:
        since: Included, timezone-aware; None reaches back to the beginning.
        until: Excluded, timezone-aware; None reaches to the present.

    Raises:
        ValueError: A bound has no time zone, or the period ends before it begins.
    """
    for bound in (since, until):
        if bound is not None and bound.tzinfo is None:
            raise ValueError(f"a period needs a time zone: {bound.isoformat()} has none")
    if since is not None and until is not None and until < since:
        raise ValueError(f"the period ends {until.isoformat()}, before it begins {since}")
    events = AuditEvent.objects.all()
    if since is not None:
        events = events.filter(occurred_at__gte=since)
    return events if until is None else events.filter(occurred_at__lt=until)
