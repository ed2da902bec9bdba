"""Limits, trading states, and every decision with the inputs it was taken on."""

from django.db import models

from apps.accounts.models import TradingAccount
from apps.core.clock import now
from apps.core.fields import AmountField
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment, Signal


class TradingStateValue(models.TextChoices):
    """What may be sent."""

    ACTIVE = "ACTIVE", "Active: everything that passes the checks"
    REDUCING = "REDUCING", "Reducing: only what makes positions smaller"
    HALTED = "HALTED", "Halted: nothing"


class TradingState(models.Model):
    """The switch of the desk, of an account or of a deployment. The strictest one counts."""

    account = models.OneToOneField(
        TradingAccount,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="trading_state",
    )
    deployment = models.OneToOneField(
        Deployment, null=True, blank=True, on_delete=models.PROTECT, related_name="trading_state"
    )
    state = models.CharField(
        max_length=8, choices=TradingStateValue.choices, default=TradingStateValue.ACTIVE
    )
    reason = models.CharField(max_length=400, blank=True)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(account=None) | models.Q(deployment=None),
                name="trading_state_has_one_scope",
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(account=None, deployment=None),
                name="trading_state_one_for_the_desk",
            ),
        ]

    def __str__(self) -> str:
        """Name the scope and the state."""
        return f"{self.deployment or self.account or 'desk'}: {self.state}"


class LimitKind(models.TextChoices):
    """What a limit bounds."""

    ORDER_NOTIONAL = "ORDER_NOTIONAL", "Notional of one order (quote currency)"
    POSITION_NOTIONAL = "POSITION_NOTIONAL", "Notional of the position after it fills"
    ORDERS_PER_SECOND = "ORDERS_PER_SECOND", "Orders in any second"
    DAILY_LOSS = "DAILY_LOSS", "Loss since the start of the UTC day (base currency)"


class RiskLimit(models.Model):
    """One version of one limit, for the desk, an account or a deployment. All that apply count."""

    account = models.ForeignKey(
        TradingAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    deployment = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    kind = models.CharField(max_length=20, choices=LimitKind.choices)
    value = AmountField()
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("kind", "account", "deployment", "-version")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "deployment", "kind"],
                condition=models.Q(is_current=True),
                nulls_distinct=False,
                name="limit_one_current_per_scope",
            ),
            models.UniqueConstraint(
                fields=["account", "deployment", "kind", "version"],
                nulls_distinct=False,
                name="limit_once_per_version",
            ),
            models.CheckConstraint(condition=models.Q(value__gte=0), name="limit_not_negative"),
            models.CheckConstraint(
                condition=models.Q(account=None) | models.Q(deployment=None),
                name="limit_has_one_scope",
            ),
        ]

    def __str__(self) -> str:
        """Name the scope, kind and version."""
        return f"{self.deployment or self.account or 'desk'} {self.kind} v{self.version}"


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
