"""Ends the pause that failed sign-ins bring."""

from axes.models import AccessAttempt
from axes.utils import reset
from django.db import transaction

from apps.accounts.models import User
from apps.core.services import audit_record


@transaction.atomic
def lockout_end(*, attempt: AccessAttempt, actor: User) -> None:
    """Let somebody sign in again before their pause is over."""
    audit_record(
        action="sign_in.lockout_ended",
        subject=attempt,
        actor=actor,
        details={"username": attempt.username, "ip_address": attempt.ip_address},
    )
    reset(username=attempt.username, ip=attempt.ip_address)
