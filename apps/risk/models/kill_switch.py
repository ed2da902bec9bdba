"""The block that two people have to release."""

from django.db import models

from apps.accounts.models import TradingAccount, User
from apps.core.clock import wall_now
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment


class KillSwitch(models.Model):
    """One engagement of the kill switch: nothing is sent in its scope until two people release it.

    The row is the block: every claim of an order looks for one that holds. ``execution`` cancels
    and flattens; what came of that is in ``report``.
    """

    class State(models.TextChoices):
        """Where it stands."""

        ENGAGED = "ENGAGED", "Engaged"
        RELEASE_REQUESTED = "RELEASE_REQUESTED", "Release requested"
        RELEASED = "RELEASED", "Released"

    account = models.ForeignKey(
        TradingAccount,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="kill_switches",
    )
    deployment = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.PROTECT, related_name="kill_switches"
    )
    instrument = models.ForeignKey(
        Instrument, null=True, blank=True, on_delete=models.PROTECT, related_name="kill_switches"
    )
    strategy_name = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ENGAGED)
    reason = models.CharField(max_length=400)
    flattens = models.BooleanField(default=False, help_text="Positions are closed as well")
    is_drill = models.BooleanField(default=False)
    engaged_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty when the desk engaged it by itself",
    )
    engaged_at = models.DateTimeField(default=wall_now, help_text="Machine time")
    blocked_at = models.DateTimeField(null=True, blank=True, help_text="Seen committed")
    canceled_at = models.DateTimeField(
        null=True, blank=True, help_text="The brokers' lists of working orders were empty"
    )
    flat_at = models.DateTimeField(
        null=True, blank=True, help_text="The brokers' lists of positions were empty"
    )
    report = models.JSONField(default=dict, help_text="What was canceled and closed, with times")
    release_requested_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    release_reason = models.CharField(max_length=400, blank=True)
    release_requested_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "kill switches"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(released_by=None)
                | ~models.Q(released_by=models.F("release_requested_by")),
                name="kill_switch_released_by_two_people",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="RELEASED")
                | models.Q(released_by__isnull=False, release_requested_by__isnull=False),
                name="kill_switch_release_names_both",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=~models.Q(state="RELEASED"),
                name="kill_switch_holding",
            )
        ]

    def __str__(self) -> str:
        """Name the scope."""
        return f"kill switch of {self.scope}"

    @property
    def is_holding(self) -> bool:
        """Whether it still blocks."""
        return self.state != self.State.RELEASED

    @property
    def is_confirmed(self) -> bool:
        """Whether the brokers have confirmed all that was asked."""
        is_flat = not self.flattens or self.flat_at is not None
        return self.canceled_at is not None and is_flat

    @property
    def scope(self) -> str:
        """What it holds, in words."""
        parts = [str(part) for part in (self.account, self.deployment, self.instrument) if part]
        if self.strategy_name:
            parts.append(f"strategy {self.strategy_name}")
        return " and ".join(parts) or "the desk"
