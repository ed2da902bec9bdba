"""One order from intent to the last fill, and every step of its life."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import TradingAccount, User
from apps.core.fields import AmountField
from apps.core.ids import CLIENT_ORDER_ID_LENGTH
from apps.core.models import AppendOnlyModel
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderOrigin, TimeInForce
from apps.orders.models.choices import (
    ORDER_TYPES,
    ORIGINS,
    ROLES,
    SIDES,
    STATUSES,
    TIMES_IN_FORCE,
)
from apps.orders.models.group import OrderGroup
from apps.risk.models import KillSwitch, RiskDecision
from apps.strategies.models import Deployment, Signal


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
    created_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="orders",
        help_text="Who entered it; empty for what the desk or a strategy decided",
    )
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="exits",
        help_text="The entry that this stop or target protects",
    )
    group = models.ForeignKey(
        OrderGroup,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="legs",
        help_text="The managed order that this one is a leg of",
    )
    kill_switch = models.ForeignKey(
        KillSwitch,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="closing_orders",
        help_text="The engagement that this order closes a position for",
    )
    leg = models.CharField(max_length=24, blank=True, help_text="Its name in the managed order")
    origin = models.CharField(
        max_length=8, choices=ORIGINS, default=OrderOrigin.STRATEGY.value, help_text="Who asked"
    )
    role = models.CharField(max_length=12, choices=ROLES)
    client_order_id = models.CharField(max_length=CLIENT_ORDER_ID_LENGTH)
    venue_order_id = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=SIDES)
    order_type = models.CharField(max_length=16, choices=ORDER_TYPES)
    time_in_force = models.CharField(
        max_length=4, choices=TIMES_IN_FORCE, default=TimeInForce.GTC.value
    )
    quantity = AmountField()
    limit_price = AmountField(null=True, blank=True)
    stop_price = AmountField(null=True, blank=True)
    trail_amount = AmountField(null=True, blank=True, help_text="Distance in quote currency")
    trail_ratio = AmountField(null=True, blank=True, help_text="Distance as part of the best price")
    distance_ratio = AmountField(
        null=True, blank=True, help_text="Stop or target: distance from the entry's fill price"
    )
    reduce_only = models.BooleanField(default=False)
    post_only = models.BooleanField(default=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="End of a DAY or GTD order, market time"
    )
    maximum_slippage_bps = AmountField(
        null=True, blank=True, help_text="Most that a fill may be worse than the decision's price"
    )
    amendment = models.JSONField(
        null=True, blank=True, help_text="Terms that the venue was asked for and has not confirmed"
    )
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
    looked_up_at = models.DateTimeField(
        null=True, blank=True, help_text="Machine time of the last look-up of its outcome"
    )
    looked_up_answer = models.CharField(
        max_length=400, blank=True, help_text="What the venue answered then"
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
            models.UniqueConstraint(
                fields=["group", "leg"],
                condition=Q(group__isnull=False),
                name="order_once_per_group_leg",
            ),
            models.CheckConstraint(
                condition=Q(kill_switch=None) | Q(role="EXIT", reduce_only=True),
                name="order_of_a_kill_switch_only_closes",
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
