"""The switches that let orders pass or not, and the throttle that stops by itself."""

from django.db import models

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.strategies.models import Deployment


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


class ThrottleTrip(models.Model):
    """The repeated-execution throttle has stopped a deployment; a person enables it again."""

    deployment = models.ForeignKey(
        Deployment, on_delete=models.PROTECT, related_name="throttle_trips"
    )
    reason = models.CharField(max_length=400)
    tripped_at = models.DateTimeField(default=now, help_text="Market time")
    enabled_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    enabled_reason = models.CharField(max_length=400, blank=True)
    enabled_at = models.DateTimeField(null=True, blank=True, help_text="Market time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["deployment"],
                condition=models.Q(enabled_at=None),
                name="throttle_one_open_trip_per_deployment",
            ),
            models.CheckConstraint(
                condition=models.Q(enabled_at=None, enabled_by=None)
                | models.Q(enabled_at__isnull=False, enabled_by__isnull=False),
                name="throttle_enabled_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        """Name the deployment."""
        return f"throttle of {self.deployment_id}"
