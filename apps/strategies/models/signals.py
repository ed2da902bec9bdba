"""What strategies wanted."""

from decimal import Decimal

from django.db import models

from apps.core.fields import AmountField
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.strategies.models.deployments import Deployment


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
