"""What bounds orders and positions, version by version."""

from django.db import models

from apps.accounts.models import TradingAccount
from apps.core.clock import now
from apps.core.fields import AmountField
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment


class LimitKind(models.TextChoices):
    """What a limit bounds."""

    ORDER_QUANTITY = "ORDER_QUANTITY", "Quantity of one order (units)"
    ORDER_NOTIONAL = "ORDER_NOTIONAL", "Notional of one order (quote currency)"
    POSITION_NOTIONAL = "POSITION_NOTIONAL", "Notional of the position after it fills"
    GROSS_EXPOSURE = "GROSS_EXPOSURE", "All positions, long and short added (base currency)"
    NET_EXPOSURE = "NET_EXPOSURE", "Long minus short, either way (base currency)"
    CONCENTRATION = "CONCENTRATION", "One position as a part of the equity (0.2 is a fifth)"
    LEVERAGE = "LEVERAGE", "Gross exposure over equity"
    PRICE_COLLAR = "PRICE_COLLAR", "Limit price worse than last or mid (basis points)"
    PRICE_AGE = "PRICE_AGE", "Age of the newest price (seconds)"
    OPEN_ORDERS = "OPEN_ORDERS", "Orders that work at once"
    ORDERS_PER_SECOND = "ORDERS_PER_SECOND", "Orders in any second"
    ORDER_RATE = "ORDER_RATE", "Orders a second on average, by token bucket"
    ORDER_TO_TRADE = "ORDER_TO_TRADE", "Orders for each trade of the UTC day, after the hundredth"
    REPEATED_EXECUTIONS = "REPEATED_EXECUTIONS", "Executions of a deployment within a minute"
    DUPLICATE_ORDER = "DUPLICATE_ORDER", "The same order again within (seconds)"
    TRADES_PER_DAY = "TRADES_PER_DAY", "Trades of the UTC day"
    DAILY_LOSS = "DAILY_LOSS", "Loss since the start of the UTC day (base currency)"
    DRAWDOWN = "DRAWDOWN", "Fall from the peak of the equity (0.1 is a tenth)"


class RiskLimit(models.Model):
    """One version of one limit. All that apply count.

    It holds for the desk, an account or a deployment, and there for every instrument or one.
    """

    account = models.ForeignKey(
        TradingAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    deployment = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    instrument = models.ForeignKey(
        Instrument, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    kind = models.CharField(max_length=20, choices=LimitKind.choices)
    value = AmountField()
    is_soft = models.BooleanField(default=False, help_text="Exceeding it warns and does not deny")
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("kind", "account", "deployment", "-version")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "deployment", "instrument", "kind", "is_soft"],
                condition=models.Q(is_current=True),
                nulls_distinct=False,
                name="limit_one_current_per_scope",
            ),
            models.UniqueConstraint(
                fields=["account", "deployment", "instrument", "kind", "is_soft", "version"],
                nulls_distinct=False,
                name="limit_once_per_version",
            ),
            models.CheckConstraint(condition=models.Q(value__gte=0), name="limit_not_negative"),
            models.CheckConstraint(
                condition=models.Q(account=None) | models.Q(deployment=None),
                name="limit_has_one_scope",
            ),
        ]

    def __str__(self) -> str:
        """Name the scope, kind and version."""
        scope = self.deployment or self.account or "desk"
        where = f" {self.instrument}" if self.instrument_id else ""
        return f"{scope}{where} {'soft ' if self.is_soft else ''}{self.kind} v{self.version}"
