"""The freeze that an unknown outcome brings."""

from django.db import models
from django.db.models import Q

from apps.accounts.models import TradingAccount
from apps.core.clock import now
from apps.marketdata.models import Instrument
from apps.orders.models.order import Order


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
