"""The paper venue's own books, kept apart from the desk's so that reconciling them means much."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from apps.accounts.models import TradingAccount
from apps.core.fields import AmountField, CurrencyField
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus


class PaperBook(models.Model):
    """One account at the paper venue: its cash and its terms."""

    account = models.OneToOneField(
        TradingAccount, on_delete=models.PROTECT, related_name="paper_book"
    )
    currency = CurrencyField()
    cash = AmountField(help_text="Without unrealised results")
    fee_bps = AmountField(default=Decimal(6), help_text="Of notional, each side")
    slippage_bps = AmountField(default=Decimal(0), help_text="Against us, on market and stop fills")
    volume_cap_ratio = AmountField(
        default=Decimal("0.1"), help_text="Most of a bar's volume that one order takes; 0: no cap"
    )

    class Meta:
        ordering = ("account",)
        constraints = [
            models.CheckConstraint(
                condition=Q(fee_bps__gte=0, slippage_bps__gte=0, volume_cap_ratio__gte=0),
                name="paper_book_terms_not_negative",
            )
        ]

    def __str__(self) -> str:
        """Name the account."""
        return f"paper book of {self.account_id}"


class PaperOrder(models.Model):
    """An order as the paper venue knows it; it does not know the desk's tables."""

    book = models.ForeignKey(PaperBook, on_delete=models.PROTECT, related_name="orders")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    client_order_id = models.CharField(max_length=36)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="attached")
    role = models.CharField(max_length=12, help_text="STOP_LOSS or TAKE_PROFIT when attached")
    side = models.CharField(max_length=4)
    order_type = models.CharField(max_length=16)
    time_in_force = models.CharField(max_length=4)
    quantity = AmountField()
    filled_quantity = AmountField(default=Decimal(0))
    filled_notional = AmountField(default=Decimal(0))
    limit_price = AmountField(null=True)
    stop_price = AmountField(null=True, help_text="Of a trailing stop: where it stands now")
    trail_amount = AmountField(null=True, help_text="Distance from the best price")
    trail_ratio = AmountField(null=True, help_text="Distance as part of the best price")
    best_price = AmountField(null=True, help_text="That a trailing stop has seen")
    distance_ratio = AmountField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Market time")
    post_only = models.BooleanField(default=False)
    reduce_only = models.BooleanField(default=False)
    is_triggered = models.BooleanField(default=False, help_text="The market reached its stop price")
    has_rested = models.BooleanField(
        default=False, help_text="It has met a bar with its present limit price"
    )
    status = models.CharField(max_length=16, default=OrderStatus.NEW.value)
    accepted_at = models.DateTimeField(help_text="Market time")
    matched_until = models.DateTimeField(
        help_text="Close of the last bar that the order met, or its acceptance; it meets later ones"
    )
    updated_at = models.DateTimeField(help_text="Market time")

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["book", "client_order_id"], name="paper_order_once_per_client_order_id"
            )
        ]
        indexes = [
            models.Index(
                fields=["book", "instrument"],
                condition=Q(status__in=["NEW", "PARTIALLY_FILLED", "PENDING_NEW"]),
                name="paper_order_open",
            )
        ]

    def __str__(self) -> str:
        """Return the client order id."""
        return self.client_order_id

    @property
    def venue_order_id(self) -> str:
        """The venue's name for the order."""
        return f"P{self.client_order_id}"


class PaperPosition(models.Model):
    """What the paper venue holds for the account."""

    book = models.ForeignKey(PaperBook, on_delete=models.PROTECT, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    quantity = AmountField(default=Decimal(0), help_text="Signed")
    average_entry_price = AmountField(default=Decimal(0))

    class Meta:
        ordering = ("book", "instrument")
        constraints = [
            models.UniqueConstraint(
                fields=["book", "instrument"], name="paper_position_once_per_instrument"
            )
        ]

    def __str__(self) -> str:
        """Name the quantity."""
        return f"{self.quantity} of {self.instrument_id}"


class PaperReport(models.Model):
    """The venue's outgoing stream: order updates and executions, in order, kept."""

    book = models.ForeignKey(PaperBook, on_delete=models.PROTECT, related_name="reports")
    sequence = models.BigIntegerField(help_text="Without gaps, per book")
    order = models.ForeignKey(PaperOrder, on_delete=models.PROTECT, related_name="reports")
    status = models.CharField(max_length=16)
    order_quantity = AmountField()
    filled_quantity = AmountField()
    limit_price = AmountField(null=True)
    stop_price = AmountField(null=True)
    trade_id = models.CharField(max_length=64, blank=True, help_text="Only on executions")
    fill_quantity = AmountField(null=True)
    fill_price = AmountField(null=True)
    commission = AmountField(null=True)
    occurred_at = models.DateTimeField(help_text="Market time")
    text = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("book", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["book", "sequence"], name="paper_report_once_per_sequence"
            ),
            models.UniqueConstraint(
                fields=["book", "trade_id"],
                condition=~Q(trade_id=""),
                name="paper_report_once_per_trade",
            ),
        ]
        indexes = [
            models.Index(
                fields=["book", "occurred_at"],
                condition=~Q(trade_id=""),
                name="paper_report_executed",
            )
        ]

    def __str__(self) -> str:
        """Name the sequence and the status."""
        return f"{self.sequence} {self.status}"
