"""Every pass through the gate."""

from django.db import models

from apps.accounts.models import TradingAccount
from apps.core.clock import now
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment, Signal


class RiskDecision(AppendOnlyModel):
    """One pass through the gate: what was asked, on which snapshot, and what was decided."""

    class Outcome(models.TextChoices):
        """The decision."""

        ALLOWED = "ALLOWED", "Allowed"
        DENIED = "DENIED", "Denied"

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="risk_decisions"
    )
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.PROTECT, related_name="risk_decisions"
    )
    signal = models.ForeignKey(
        Signal, null=True, on_delete=models.PROTECT, related_name="risk_decisions"
    )
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="risk_decisions"
    )
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    check_name = models.CharField(max_length=60, blank=True, help_text="The check that denied")
    reason = models.CharField(max_length=400, blank=True)
    intent = models.JSONField(help_text="The order asked for")
    context = models.JSONField(help_text="The snapshot decided on, limits with their versions")
    warnings = models.JSONField(default=list, help_text="Soft limits that were exceeded")
    decided_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["signal"],
                condition=models.Q(signal__isnull=False),
                name="risk_decision_once_per_signal",
            )
        ]

    def __str__(self) -> str:
        """Name the outcome and the reason."""
        return f"{self.outcome} {self.reason}".strip()
