"""Reads signals that came from outside."""

from apps.core.rows import row_of
from apps.execution.models import ExternalSignal
from apps.strategies.domain.signals import Decision
from apps.strategies.models import Deployment, Signal

_WAITING = """
SELECT signal.id FROM execution_externalsignal AS signal
JOIN execution_webhook AS webhook ON webhook.id = signal.webhook_id
WHERE webhook.deployment_id = %(deployment)s AND signal.dealt_at IS NULL LIMIT 1
"""


def external_signal_list_waiting(*, deployment: Deployment) -> list[ExternalSignal]:
    """Return the signals from outside that are not dealt with, oldest first."""
    if row_of(_WAITING, {"deployment": deployment.pk}) is None:
        return []
    return list(
        ExternalSignal.objects.filter(webhook__deployment=deployment, dealt_at=None)
        .select_related("signal__instrument")
        .order_by("pk")
    )


def decision_of(signal: Signal) -> Decision:
    """Return a recorded signal as the decision that it was."""
    return Decision(
        action=signal.action,
        reference_price=signal.reference_price,
        stop_loss_ratio=signal.stop_loss_ratio,
        take_profit_ratio=signal.take_profit_ratio,
        limit_price=signal.limit_price,
    )
