"""What the market showed when an order was decided, submitted and filled."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from apps.core.fields import AmountField
from apps.core.models import AppendOnlyModel
from apps.orders.models.fill import Fill
from apps.orders.models.order import Order


class OrderQuote(AppendOnlyModel):
    """The market at one moment of an order's life; execution quality is measured against it."""

    class Moment(models.TextChoices):
        """When it was looked at."""

        DECISION = "DECISION", "Decision"
        SUBMIT = "SUBMIT", "Submit"
        FILL = "FILL", "Fill"
        END = "END", "End of what did not fill"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="quotes")
    fill = models.OneToOneField(
        Fill, null=True, blank=True, on_delete=models.PROTECT, related_name="quote"
    )
    moment = models.CharField(max_length=8, choices=Moment.choices)
    bid = AmountField(null=True)
    ask = AmountField(null=True)
    last = AmountField()
    mid = models.GeneratedField(
        expression=Coalesce((F("bid") + F("ask")) / Value(Decimal(2)), F("last")),
        output_field=AmountField(),
        db_persist=True,
        help_text="Half way between bid and ask; the last price where one of them is not known",
    )
    source = models.CharField(max_length=8, help_text="BAR, TICKER or BOOK")
    quoted_at = models.DateTimeField(help_text="Venue or market time of the prices")

    class Meta:
        ordering = ("order", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "moment"],
                condition=~Q(moment="FILL"),
                name="order_quote_once_per_moment",
            ),
            models.CheckConstraint(
                condition=Q(fill__isnull=True) ^ Q(moment="FILL"),
                name="order_quote_of_a_fill_names_it",
            ),
        ]

    def __str__(self) -> str:
        """Name the moment."""
        return f"{self.moment} of {self.order_id}"
