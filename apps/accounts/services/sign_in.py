"""Records who comes and goes, changes passwords, and ends the pause that failed sign-ins bring."""

from axes.models import AccessAttempt
from axes.utils import reset
from django.db import transaction

from apps.accounts.models import User
from apps.core.services import audit_record


@transaction.atomic
def sign_in_record(*, user: User, proof: str) -> None:
    """Record that a session began.

    Args:
        proof: What was given: the password alone, or which second factor beside it.
    """
    audit_record(action="user.signed_in", subject=user, actor=user, details={"proof": proof})


@transaction.atomic
def sign_out_record(*, user: User, reason: str = "") -> None:
    """Record that a session ended, by the person or by the desk."""
    audit_record(action="user.signed_out", subject=user, actor=user, reason=reason)


@transaction.atomic
def password_change(*, user: User, password: str) -> None:
    """Give a person the password that they chose; the caller has checked it against the rules."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit_record(action="user.password_changed", subject=user, actor=user)


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
