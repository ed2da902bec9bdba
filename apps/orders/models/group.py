"""Orders that the desk manages itself, since the venue has none of their kind."""

from django.db import models
from django.db.models import Q

from apps.accounts.models import TradingAccount, User
from apps.core.fields import AmountField
from apps.core.ids import CLIENT_ORDER_ID_LENGTH
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import GroupState
from apps.orders.domain.types import OrderOrigin
from apps.orders.models.choices import GROUP_KINDS, GROUP_STATES, ORIGINS, SIDES
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, Signal


class OrderGroup(models.Model):
    """A managed order: what was asked for, and where it stands. Its legs are ordinary orders."""

    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="order_groups"
    )
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="order_groups"
    )
    deployment = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.PROTECT, related_name="order_groups"
    )
    signal = models.ForeignKey(
        Signal, null=True, blank=True, on_delete=models.PROTECT, related_name="order_groups"
    )
    risk_decision = models.ForeignKey(
        RiskDecision, null=True, blank=True, on_delete=models.PROTECT, related_name="order_groups"
    )
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="order_groups"
    )
    client_group_id = models.CharField(max_length=CLIENT_ORDER_ID_LENGTH)
    kind = models.CharField(max_length=16, choices=GROUP_KINDS)
    origin = models.CharField(
        max_length=8, choices=ORIGINS, default=OrderOrigin.STRATEGY.value, help_text="Who asked"
    )
    side = models.CharField(max_length=4, choices=SIDES)
    quantity = AmountField()
    settings = models.JSONField(help_text="By kind; see orders.domain.groups.settings")
    memory = models.JSONField(default=dict, help_text="What the plan keeps, such as a best price")
    state = models.CharField(max_length=12, choices=GROUP_STATES, default=GroupState.ACTIVE.value)
    state_reason = models.CharField(max_length=400, blank=True)
    decided_at = models.DateTimeField(help_text="Market time of the decision")
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the plan wants to look again, market time"
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is opened from then on, market time"
    )
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Market time of the end")
    created_at = models.DateTimeField(auto_now_add=True, help_text="Machine time")
    updated_at = models.DateTimeField(auto_now=True, help_text="Machine time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_group_id"], name="order_group_once_per_client_group_id"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0), name="order_group_quantity_positive"
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "instrument"],
                condition=Q(state__in=["ACTIVE", "CANCELING"]),
                name="order_group_open",
            )
        ]

    def __str__(self) -> str:
        """Return the kind and the client group id."""
        return f"{self.kind} {self.client_group_id}"
