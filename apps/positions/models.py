"""Positions per deployment, and the double-entry ledger that everything is booked in."""

from decimal import Decimal

from django.db import models

from apps.accounts.models import TradingAccount
from apps.core.fields import AmountField, CurrencyField
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.orders.models import Fill
from apps.strategies.models import Deployment


class Position(models.Model):
    """What a deployment holds of an instrument; derived from fills, rebuildable from them."""

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="positions")
    deployment = models.ForeignKey(
        Deployment,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="positions",
        help_text="Empty for orders by hand",
    )
    quantity = AmountField(default=Decimal(0), help_text="Signed; short is negative")
    average_entry_price = AmountField(default=Decimal(0))
    realized_pnl = AmountField(default=Decimal(0), help_text="Before commission")
    commission = AmountField(
        default=Decimal(0), help_text="Paid so far in the instrument's quote currency"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(help_text="Venue time of the last fill")

    class Meta:
        ordering = ("account", "instrument", "deployment")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "instrument", "deployment"],
                nulls_distinct=False,
                name="position_once_per_owner",
            )
        ]

    def __str__(self) -> str:
        """Name the quantity and the instrument."""
        return f"{self.quantity.normalize():f} of {self.instrument_id}"


class NetPosition(models.Model):
    """What an account holds of an instrument, its deployments netted, as the broker nets them.

    Cash moves by this position and not by the deployments' own: a broker that sees one of them
    buy and another sell knows one flat position and its result.
    """

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="net_positions"
    )
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="net_positions"
    )
    quantity = AmountField(default=Decimal(0), help_text="Signed; short is negative")
    average_entry_price = AmountField(default=Decimal(0))
    realized_pnl = AmountField(default=Decimal(0), help_text="Before commission")
    updated_at = models.DateTimeField(help_text="Venue time of the last fill")

    class Meta:
        ordering = ("account", "instrument")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "instrument"], name="net_position_once_per_instrument"
            )
        ]

    def __str__(self) -> str:
        """Name the quantity and the instrument."""
        return f"{self.quantity.normalize():f} of {self.instrument_id}"


class LedgerAccount(models.Model):
    """One account of the chart of accounts, per trading account and currency."""

    class Code(models.TextChoices):
        """The chart of accounts."""

        CASH = "CASH", "Cash at the broker (asset)"
        HOLDINGS = "HOLDINGS", "Holdings at cost (asset)"
        CAPITAL = "CAPITAL", "Capital paid in (equity)"
        REALIZED_PNL = "REALIZED_PNL", "Realised profit and loss (income)"
        COMMISSION = "COMMISSION", "Commission paid (expense)"
        FUNDING = "FUNDING", "Funding received and paid (income)"

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="ledger_accounts"
    )
    code = models.CharField(max_length=16, choices=Code.choices)
    currency = CurrencyField()
    balance = AmountField(
        default=Decimal(0),
        editable=False,
        help_text="Sum of the entries, kept by a database trigger; debit positive",
    )

    class Meta:
        ordering = ("account", "code", "currency")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "code", "currency"], name="ledger_account_once_per_code"
            )
        ]

    def __str__(self) -> str:
        """Name the code and the currency."""
        return f"{self.code} {self.currency}"


class LedgerTransaction(AppendOnlyModel):
    """One booked event; its entries sum to zero in every currency (checked at commit)."""

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="ledger_transactions"
    )
    source_type = models.CharField(max_length=40, help_text="orders.Fill, deposit, reversal …")
    source_id = models.CharField(max_length=100, help_text="A fill: its order and trade id")
    description = models.CharField(max_length=200)
    occurred_at = models.DateTimeField(help_text="Venue time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "source_type", "source_id"], name="ledger_once_per_source"
            )
        ]

    def __str__(self) -> str:
        """Return the description."""
        return self.description


class LedgerEntry(AppendOnlyModel):
    """One side of a booked event: debit is positive, credit is negative."""

    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries"
    )
    ledger_account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="entries"
    )
    currency = CurrencyField()
    amount = AmountField(help_text="Debit positive, credit negative")

    class Meta:
        ordering = ("transaction", "id")
        verbose_name_plural = "ledger entries"
        constraints = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="ledger_entry_not_zero")
        ]

    def __str__(self) -> str:
        """Name the amount."""
        return f"{self.amount.normalize():f} {self.currency}"


class PositionChange(AppendOnlyModel):
    """What one fill did to the books: the proof that it is booked, and booked once."""

    fill = models.OneToOneField(Fill, on_delete=models.PROTECT, related_name="position_change")
    position = models.ForeignKey(Position, on_delete=models.PROTECT, related_name="changes")
    transaction = models.ForeignKey(
        LedgerTransaction,
        null=True,
        on_delete=models.PROTECT,
        related_name="position_changes",
        help_text="Empty when no money moved, as for a free opening of a perpetual",
    )
    quantity_after = AmountField(help_text="Of the deployment; signed")
    average_entry_price_after = AmountField()
    realized_pnl = AmountField(help_text="Of this fill, before commission")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        """Name the quantity that was reached."""
        return f"{self.quantity_after.normalize():f} after fill {self.fill_id}"


class EquitySnapshot(AppendOnlyModel):
    """What an account was worth at a moment of market time."""

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="equity_snapshots"
    )
    as_of = models.DateTimeField(help_text="Market time")
    cash = AmountField()
    holdings = AmountField(help_text="Holdings at market price, and unrealised results")
    equity = AmountField()

    class Meta:
        ordering = ("account", "-as_of")
        constraints = [
            models.UniqueConstraint(fields=["account", "as_of"], name="equity_once_per_moment")
        ]

    def __str__(self) -> str:
        """Name the value."""
        return f"{self.equity.normalize():f} at {self.as_of:%Y-%m-%d %H:%M}"
