"""Reconciliation runs, and a break for each difference that they or a report bring up."""

from django.db import models
from django.db.models import Q

from apps.accounts.models import TradingAccount
from apps.core.clock import now, wall_now
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.orders.models import Order


class ReconciliationRun(AppendOnlyModel):
    """One comparison of an account with its broker; written when it has ended."""

    class Result(models.TextChoices):
        """How it ended."""

        MATCHED = "MATCHED", "Everything matches"
        BREAKS = "BREAKS", "Differences found"
        FAILED = "FAILED", "No answer"

    class Trigger(models.TextChoices):
        """Why it ran."""

        START = "START", "Start of the desk"
        SCHEDULE = "SCHEDULE", "Schedule"
        COMMAND = "COMMAND", "Command or person"

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="reconciliation_runs"
    )
    trigger = models.CharField(max_length=8, choices=Trigger.choices)
    result = models.CharField(max_length=8, choices=Result.choices)
    started_at = models.DateTimeField(default=wall_now, help_text="Machine time")
    orders_compared = models.PositiveIntegerField(default=0)
    fills_compared = models.PositiveIntegerField(default=0)
    positions_compared = models.PositiveIntegerField(default=0)
    balances_compared = models.PositiveIntegerField(default=0)
    breaks_found = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["account", "-id"], name="run_latest_per_account")]

    def __str__(self) -> str:
        """Name the account and the result."""
        return f"{self.account_id} {self.result}"


class Break(models.Model):
    """One difference between our books and the broker's, open until someone resolves it."""

    class Kind(models.TextChoices):
        """What differs."""

        ORDER_MISSING_AT_BROKER = "ORDER_MISSING_AT_BROKER", "Order unknown to the broker"
        ORDER_UNKNOWN_TO_DESK = "ORDER_UNKNOWN_TO_DESK", "Order unknown to the desk"
        ORDER_DIFFERS = "ORDER_DIFFERS", "Order differs"
        FILL_MISSING_AT_BROKER = "FILL_MISSING_AT_BROKER", "Fill unknown to the broker"
        FILL_UNKNOWN_TO_DESK = "FILL_UNKNOWN_TO_DESK", "Fill unknown to the desk"
        FILL_DIFFERS = "FILL_DIFFERS", "Fill differs"
        POSITION_DIFFERS = "POSITION_DIFFERS", "Position differs"
        CASH_DIFFERS = "CASH_DIFFERS", "Cash differs"
        REPORT_REFUSED = "REPORT_REFUSED", "Report refused by the state table"

    class State(models.TextChoices):
        """Whether it still stands."""

        OPEN = "OPEN", "Open"
        RESOLVED = "RESOLVED", "Resolved"

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="breaks")
    run = models.ForeignKey(
        ReconciliationRun,
        null=True,
        on_delete=models.PROTECT,
        related_name="breaks",
        help_text="Empty when a report brought it up",
    )
    kind = models.CharField(max_length=24, choices=Kind.choices)
    key = models.CharField(max_length=160, help_text="What it is about; one open break per key")
    instrument = models.ForeignKey(
        Instrument, null=True, on_delete=models.PROTECT, related_name="breaks"
    )
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="breaks")
    ours = models.JSONField()
    theirs = models.JSONField()
    description = models.CharField(max_length=400)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField(default=now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "key"],
                condition=Q(state="OPEN"),
                name="break_one_open_per_key",
            )
        ]

    def __str__(self) -> str:
        """Return the description."""
        return self.description


class ReportCursor(models.Model):
    """How far a broker's report stream has been recorded, per trading account."""

    account = models.OneToOneField(
        TradingAccount, on_delete=models.PROTECT, related_name="report_cursor"
    )
    cursor = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("account",)

    def __str__(self) -> str:
        """Return the cursor."""
        return self.cursor or "start"


class DeskStart(models.Model):
    """One start of the desk; accounts must be reconciled after it before they trade."""

    started_at = models.DateTimeField(auto_now_add=True, help_text="Machine time")
    build = models.CharField(max_length=64, help_text="Hash of the source that runs")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        """Name the moment."""
        return f"{self.started_at:%Y-%m-%d %H:%M:%S}"
