"""Orders, their history and their fills, and the freeze that an unknown outcome brings."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import TradingAccount
from apps.core.clock import now
from apps.core.fields import AmountField, CurrencyField
from apps.core.ids import CLIENT_ORDER_ID_LENGTH
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, Side, TimeInForce
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, Signal

SIDES = [(side.value, side.value.capitalize()) for side in Side]
STATUSES = [(status.value, status.value.replace("_", " ").capitalize()) for status in OrderStatus]
ORDER_TYPES = [(kind.value, kind.value.capitalize()) for kind in OrderType]
ROLES = [(role.value, role.value.replace("_", " ").capitalize()) for role in OrderRole]
TIMES_IN_FORCE = [(time.value, time.value) for time in TimeInForce]


class Order(models.Model):
    """One order from intent to the last fill. Only ``orders.services`` changes it."""

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="orders")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="orders")
    deployment = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    signal = models.ForeignKey(
        Signal, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    risk_decision = models.ForeignKey(
        RiskDecision, null=True, blank=True, on_delete=models.PROTECT, related_name="orders"
    )
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="exits",
        help_text="The entry that this stop or target protects",
    )
    role = models.CharField(max_length=12, choices=ROLES)
    client_order_id = models.CharField(max_length=CLIENT_ORDER_ID_LENGTH)
    venue_order_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=SIDES)
    order_type = models.CharField(max_length=8, choices=ORDER_TYPES)
    time_in_force = models.CharField(
        max_length=4, choices=TIMES_IN_FORCE, default=TimeInForce.GTC.value
    )
    quantity = AmountField()
    limit_price = AmountField(null=True, blank=True)
    stop_price = AmountField(null=True, blank=True)
    distance_ratio = AmountField(
        null=True, blank=True, help_text="Stop or target: distance from the entry's fill price"
    )
    reduce_only = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=STATUSES, default=OrderStatus.INTENT.value)
    status_reason = models.CharField(max_length=400, blank=True)
    filled_quantity = AmountField(default=Decimal(0))
    average_fill_price = AmountField(null=True, blank=True)
    decided_at = models.DateTimeField(help_text="Market time of the decision")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="Market time of the sending")
    claimed_epoch = models.BigIntegerField(
        null=True, blank=True, help_text="Lease epoch of the worker that sent it"
    )
    unknown_since = models.DateTimeField(
        null=True, blank=True, help_text="Machine time since when the outcome is not known"
    )
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Venue time of the end")
    created_at = models.DateTimeField(auto_now_add=True, help_text="Machine time")
    updated_at = models.DateTimeField(auto_now=True, help_text="Machine time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="order_once_per_client_order_id"
            ),
            models.UniqueConstraint(
                fields=["deployment", "signal", "role"],
                condition=Q(signal__isnull=False),
                name="order_once_per_deployment_signal_role",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0) & Q(filled_quantity__lte=F("quantity")),
                name="order_never_overfilled",
            ),
            models.CheckConstraint(
                condition=~Q(order_type="LIMIT", distance_ratio=None) | Q(limit_price__gt=0),
                name="limit_order_has_a_price",
            ),
            models.CheckConstraint(
                condition=~Q(status="FILLED") | Q(filled_quantity=F("quantity")),
                name="filled_order_is_full",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "instrument"],
                condition=~Q(status__in=["FILLED", "CANCELED", "REJECTED", "EXPIRED"]),
                name="order_open",
            ),
            models.Index(fields=["deployment", "decided_at"], name="order_deployment_decided_at"),
            models.Index(fields=["account", "decided_at"], name="order_account_decided_at"),
        ]

    def __str__(self) -> str:
        """Return the client order id."""
        return self.client_order_id

    @property
    def leaves_quantity(self) -> Decimal:
        """Units that are not filled."""
        return self.quantity - self.filled_quantity


class OrderEvent(AppendOnlyModel):
    """One step in an order's life, by whom, from where to where."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField(help_text="1 is the intent")
    kind = models.CharField(max_length=40, help_text="Past tense, such as order.sent")
    status_before = models.CharField(max_length=16, choices=STATUSES, blank=True)
    status_after = models.CharField(max_length=16, choices=STATUSES)
    occurred_at = models.DateTimeField(help_text="Venue or market time")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("order", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sequence"], name="order_event_once_per_sequence"
            )
        ]

    def __str__(self) -> str:
        """Name the step."""
        return f"{self.sequence} {self.kind}"


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


class InstrumentFreeze(models.Model):
    """No new order on this account and instrument until an unknown outcome is resolved."""

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, related_name="freezes")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="freezes")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="freezes")
    reason = models.CharField(max_length=400)
    frozen_at = models.DateTimeField(default=now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(released_at=None), name="freeze_once_per_order"
            )
        ]

    def __str__(self) -> str:
        """Name what is frozen."""
        return f"{self.instrument_id} on {self.account_id}: {self.reason}"
