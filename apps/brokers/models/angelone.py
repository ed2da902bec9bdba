"""What the desk keeps of Angel One: the day's session, what it sent, what it was told, the list.

Angel One shows orders and trades of the current day alone, and no list of changes. So each look at
its books is kept as reports in one sequence without gaps, and a cursor into it loses no fill.
"""

from django.db import models
from django.db.models import Q

from apps.accounts.models import TradingAccount
from apps.core.fields import AmountField
from apps.core.sealing import SealedRow


class AngelOneSession(SealedRow, models.Model):
    """The session of one account, shared by all processes; its tokens are sealed."""

    sealed_fields = ("sealed_tokens",)

    account = models.OneToOneField(
        TradingAccount, on_delete=models.PROTECT, related_name="angelone_session"
    )
    sealed_tokens = models.TextField(blank=True)
    generation = models.PositiveIntegerField(default=0, help_text="Grows with each new token")
    began_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True, help_text="Midnight in India")
    login_claimed_until = models.DateTimeField(
        null=True, help_text="One process logs in until then; the others wait"
    )
    failures = models.PositiveIntegerField(default=0, help_text="Logins refused in a row")
    retry_at = models.DateTimeField(null=True, help_text="No login before, after a refusal")
    failure = models.CharField(max_length=400, blank=True, help_text="What the refusal said")

    class Meta:
        ordering = ("account",)

    def __str__(self) -> str:
        """Name the account."""
        return f"session of {self.account_id}"


class AngelOneBook(models.Model):
    """Where the sequence of an account's reports stands."""

    account = models.OneToOneField(
        TradingAccount, on_delete=models.PROTECT, related_name="angelone_book"
    )
    last_sequence = models.BigIntegerField(default=0)
    read_began_at = models.DateTimeField(
        null=True, help_text="Start of the last reading that is kept here"
    )

    class Meta:
        ordering = ("account",)

    def __str__(self) -> str:
        """Name the account."""
        return f"book of {self.account_id}"


class AngelOneSentOrder(models.Model):
    """An order as it was about to be sent; written before the socket is."""

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="angelone_sent"
    )
    client_order_id = models.CharField(max_length=19)
    symbol = models.CharField(max_length=60)
    is_bounded_stop = models.BooleanField(
        help_text="A stop without a limit, sent with one that is the adapter's own"
    )
    sent_at = models.DateTimeField()
    venue_order_id = models.CharField(max_length=32, blank=True)
    unique_order_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="angelone_order_sent_once"
            )
        ]

    def __str__(self) -> str:
        """Return the client order id."""
        return self.client_order_id


class AngelOneReport(models.Model):
    """One change of an order, or one trade, as it was seen in the broker's books."""

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="angelone_reports"
    )
    sequence = models.BigIntegerField(help_text="Without gaps, per account")
    client_order_id = models.CharField(max_length=40)
    venue_order_id = models.CharField(max_length=32)
    symbol = models.CharField(max_length=60)
    side = models.CharField(max_length=4)
    quantity = AmountField(help_text="Of the order, or of the trade")
    status = models.CharField(max_length=16, blank=True, help_text="Only of an order")
    filled_quantity = AmountField(null=True)
    limit_price = AmountField(null=True)
    stop_price = AmountField(null=True)
    text = models.CharField(max_length=400, blank=True)
    trade_id = models.CharField(max_length=100, blank=True, help_text="Only of a trade")
    price = AmountField(null=True)
    occurred_at = models.DateTimeField(help_text="The broker's time")
    is_current = models.BooleanField(default=True, help_text="No later report of the order is kept")

    class Meta:
        ordering = ("account", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "sequence"], name="angelone_report_once_per_sequence"
            ),
            models.UniqueConstraint(
                fields=["account", "trade_id"],
                condition=~Q(trade_id=""),
                name="angelone_report_once_per_trade",
            ),
            models.UniqueConstraint(
                fields=["account", "venue_order_id"],
                condition=Q(is_current=True, trade_id=""),
                name="angelone_report_one_is_current",
            ),
        ]

    def __str__(self) -> str:
        """Name the sequence."""
        return f"{self.sequence} of {self.account_id}"


class AngelOneListing(models.Model):
    """One contract of the instrument master, from the day it read so until it changed or went."""

    exchange = models.CharField(max_length=8)
    symbol_token = models.CharField(max_length=12)
    trading_symbol = models.CharField(max_length=60)
    symbol = models.CharField(max_length=70, help_text="At the desk: NSE:SBIN")
    name = models.CharField(max_length=60)
    instrument_type = models.CharField(max_length=12, blank=True, help_text="Empty: equity")
    expires_on = models.DateField(null=True)
    strike_price = AmountField(null=True, help_text="Rupees")
    lot_size = AmountField()
    tick_size = AmountField(help_text="Rupees")
    freeze_quantity = AmountField(null=True)
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, help_text="First day on which it reads so no more")

    class Meta:
        ordering = ("exchange", "trading_symbol", "effective_from")
        constraints = [
            models.UniqueConstraint(
                fields=["exchange", "symbol_token"],
                condition=Q(effective_to=None),
                name="angelone_listing_one_is_current",
            ),
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=models.F("effective_from")),
                name="angelone_listing_ends_after_it_begins",
            ),
        ]
        indexes = [models.Index(fields=["symbol"], name="angelone_listing_symbol")]

    def __str__(self) -> str:
        """Return the desk's symbol."""
        return self.symbol
