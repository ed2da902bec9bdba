"""Notes which positions a deployment must close, until they are closed."""

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment, DeploymentClosing

_REASON_LENGTH = 400


@transaction.atomic
def closing_request(
    *, deployment: Deployment, instrument: Instrument, reason: str, actor: User | None = None
) -> DeploymentClosing:
    """Ask for a position to be closed; while one is asked for, the first asking is returned."""
    closing, is_new = DeploymentClosing.objects.get_or_create(
        deployment=deployment,
        instrument=instrument,
        done_at=None,
        defaults={"reason": reason[:_REASON_LENGTH], "requested_at": now()},
    )
    if is_new:
        audit_record(
            action="deployment.closing_requested",
            subject=deployment,
            actor=actor,
            reason=reason,
            details={"instrument": instrument.symbol},
        )
    return closing


def closing_waits(*, closing: DeploymentClosing, check: str) -> bool:
    """Note which check holds it up; True when that is news."""
    is_news = closing.waits_for != check
    if is_news:
        closing.waits_for = check
        closing.save(update_fields=["waits_for"])
    return is_news


@transaction.atomic
def closing_done(*, closing: DeploymentClosing) -> None:
    """Note that nothing is held and nothing works any more; again changes nothing."""
    done = DeploymentClosing.objects.filter(pk=closing.pk, done_at=None).update(
        done_at=now(), waits_for=""
    )
    if done:
        audit_record(
            action="deployment.closing_done",
            subject=closing.deployment,
            process="execution",
            details={"instrument": closing.instrument.symbol, "reason": closing.reason},
        )
