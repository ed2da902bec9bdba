"""Who runs a deployment or works an account right now, and how far it has come."""

from typing import Any, ClassVar

from django.db import models

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment


class Lease(models.Model):
    """The right to act for an owner. A worker whose epoch is old can write nothing more."""

    epoch = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=80, blank=True)
    expires_at = models.DateTimeField(help_text="Machine time of the database")

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """Name the holder and the epoch."""
        return f"{self.holder or 'nobody'} in epoch {self.epoch}"


class DeploymentLease(Lease):
    """The right to run a deployment."""

    deployment = models.OneToOneField(Deployment, on_delete=models.PROTECT, related_name="lease")

    class Meta:
        ordering = ("deployment",)


class AccountLease(Lease):
    """The right to work an account's orders by hand, by API and those that the desk manages."""

    account = models.OneToOneField(TradingAccount, on_delete=models.PROTECT, related_name="lease")

    class Meta:
        ordering = ("account",)


class DeploymentCursor(models.Model):
    """The last bar that a deployment has dealt with, per instrument."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="cursors")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    bar_open_at = models.DateTimeField()
    bars_seen = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("deployment", "instrument")
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "instrument"], name="cursor_once_per_instrument"
            )
        ]

    def __str__(self) -> str:
        """Name the bar."""
        return f"{self.instrument_id} at {self.bar_open_at:%Y-%m-%d %H:%M}"
