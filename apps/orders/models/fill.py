"""What a venue executed."""

from django.db import models
from django.db.models import Q

from apps.core.fields import AmountField, CurrencyField
from apps.core.models import AppendOnlyModel
from apps.orders.models.choices import SIDES
from apps.orders.models.order import Order


class Fill(AppendOnlyModel):
    """One execution reported by the venue."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    trade_id = models.CharField(max_length=64, help_text="Execution id given by the venue")
    side = models.CharField(max_length=4, choices=SIDES)
    quantity = AmountField()
    price = AmountField()
    commission = AmountField(help_text="Positive is paid, negative is a rebate")
    commission_currency = CurrencyField()
    executed_at = models.DateTimeField(help_text="Venue time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["order", "trade_id"], name="fill_once_per_trade"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, price__gt=0), name="fill_is_positive"
            ),
        ]
        indexes = [models.Index(fields=["executed_at"], name="fill_executed_at")]

    def __str__(self) -> str:
        """Name side, quantity and price."""
        return f"{self.side} {self.quantity.normalize():f} @ {self.price.normalize():f}"
