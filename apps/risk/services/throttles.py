"""Stops a deployment that executes again and again, until a named person enables it."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.services import audit_record
from apps.risk.domain.types import Warned
from apps.risk.models import RiskDecision, ThrottleTrip
from apps.risk.services.controls import RiskChangeRefused
from apps.strategies.models import Deployment

_CHECK = "repeated_executions"


@transaction.atomic
def throttle_trip(*, deployment: Deployment, reason: str, at: datetime) -> ThrottleTrip:
    """Stop the deployment; while it is stopped, the first trip is returned unchanged."""
    trip, is_new = ThrottleTrip.objects.get_or_create(
        deployment=deployment,
        enabled_at=None,
        defaults={"reason": reason[:400], "tripped_at": at},
    )
    if is_new:
        audit_record(
            action="throttle.tripped", subject=trip, process="risk", details={"reason": reason}
        )
    return trip


def throttle_follow(
    *, decision: RiskDecision, left_out: tuple[Warned, ...] = ()
) -> ThrottleTrip | None:
    """Stop the deployment of a decision that denied one execution too many; else do nothing.

    Args:
        left_out: What was objected to, where the decision allows a part of what was asked.
    """
    reasons = {
        decision.check_name: decision.reason,
        **{each.check: each.reason for each in left_out},
    }
    if _CHECK not in reasons or decision.deployment is None:
        return None
    return throttle_trip(
        deployment=decision.deployment, reason=reasons[_CHECK], at=decision.decided_at
    )


@transaction.atomic
def throttle_enable(*, trip: ThrottleTrip, actor: User, reason: str) -> ThrottleTrip:
    """Let the deployment trade again.

    Raises:
        RiskChangeRefused: It does so already, or no reason is given.
    """
    if not reason.strip():
        raise RiskChangeRefused("enabling a throttled deployment needs a reason")
    locked = ThrottleTrip.objects.select_for_update(of=("self",)).get(pk=trip.pk)
    if locked.enabled_at is not None:
        raise RiskChangeRefused(f"{locked} was enabled already")
    locked.enabled_at = now()
    locked.enabled_by = actor
    locked.enabled_reason = reason.strip()[:400]
    locked.save()
    audit_record(action="throttle.enabled", subject=locked, actor=actor, reason=reason)
    return locked
