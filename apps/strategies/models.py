"""Which strategy code runs where: versions by hash, deployments, and the signals they gave."""

from decimal import Decimal

from django.db import models

from apps.accounts.models import TradingAccount, TradingMode
from apps.core.clock import now
from apps.core.fields import AmountField
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import TIMEFRAMES, Instrument


class StrategyVersion(AppendOnlyModel):
    """The exact source of a strategy; another byte is another version."""

    name = models.CharField(max_length=80, help_text="Library name or class name")
    location = models.CharField(max_length=400, help_text="Library module or path/to/file.py:Class")
    source_sha256 = models.CharField(max_length=64)
    source = models.TextField()
    parameters_schema = models.JSONField(help_text="JSON Schema of the typed parameters")

    class Meta:
        ordering = ("name", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["name", "source_sha256"], name="strategy_version_once_per_source"
            )
        ]

    def __str__(self) -> str:
        """Name the strategy and the start of its hash."""
        return f"{self.name}@{self.source_sha256[:8]}"


class DeploymentState(models.TextChoices):
    """Whether a deployment trades."""

    STOPPED = "STOPPED", "Stopped"
    RUNNING = "RUNNING", "Running"
    FAILED = "FAILED", "Failed"


class SizingMethod(models.TextChoices):
    """How a signal becomes a quantity."""

    FIXED_QUANTITY = "FIXED_QUANTITY", "Fixed quantity (units)"
    FIXED_NOTIONAL = "FIXED_NOTIONAL", "Fixed notional (quote currency)"
    FRACTION_OF_EQUITY = "FRACTION_OF_EQUITY", "Fraction of equity (0 to 1)"


class Deployment(models.Model):
    """A strategy version set to trade instruments on an account with given parameters."""

    name = models.SlugField(max_length=80, unique=True)
    version = models.ForeignKey(
        StrategyVersion, on_delete=models.PROTECT, related_name="deployments"
    )
    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="deployments"
    )
    instruments = models.ManyToManyField(Instrument, related_name="deployments")
    timeframe = models.CharField(max_length=4, choices=TIMEFRAMES)
    parameters = models.JSONField(default=dict)
    sizing_method = models.CharField(max_length=20, choices=SizingMethod.choices)
    sizing_value = AmountField(help_text="Units, quote currency or a fraction, by method")
    mode = models.CharField(max_length=8, choices=TradingMode.choices, default=TradingMode.PAPER)
    state = models.CharField(
        max_length=8, choices=DeploymentState.choices, default=DeploymentState.STOPPED
    )
    state_reason = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sizing_value__gt=0), name="deployment_sizing_is_positive"
            ),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Signal(AppendOnlyModel):
    """What a strategy wanted after one bar; at most one per deployment, instrument and bar."""

    class Action(models.TextChoices):
        """What the strategy wants to be."""

        ENTER_LONG = "ENTER_LONG", "Enter long"
        ENTER_SHORT = "ENTER_SHORT", "Enter short"
        EXIT = "EXIT", "Exit"

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="signals")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="signals")
    bar_open_at = models.DateTimeField(help_text="Open time of the bar that gave the signal")
    as_of = models.DateTimeField(help_text="Close of that bar: when the signal became known")
    action = models.CharField(max_length=12, choices=Action.choices)
    reference_price = AmountField(help_text="Close of the bar, for sizing and risk")
    limit_price = AmountField(null=True, help_text="Enter at this price or better; empty: market")
    stop_loss_ratio = AmountField(null=True, help_text="Distance from the fill price: 0.01 is 1 %")
    take_profit_ratio = AmountField(null=True, help_text="Distance from the fill price")
    strength = AmountField(default=Decimal(1), help_text="0 to 1, for ranking and quality")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "instrument", "bar_open_at"],
                name="signal_once_per_deployment_instrument_bar",
            )
        ]

    def __str__(self) -> str:
        """Name the action and its bar."""
        return f"{self.action} on bar {self.bar_open_at:%Y-%m-%d %H:%M}"
