"""Who runs a deployment or works an account, how far it has come, and what comes from outside."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.core.fields import AmountField
from apps.marketdata.models import Instrument
from apps.strategies.models import Deployment, Signal


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


class Webhook(models.Model):
    """Where an external source sends the signals of one deployment, and how it proves itself.

    Its secret is stored nowhere: it follows from the desk's secret key, the public id and the
    version, so that a copy of the database holds no key to trading.
    """

    deployment = models.OneToOneField(Deployment, on_delete=models.PROTECT, related_name="webhook")
    public_id = models.CharField(
        max_length=32, unique=True, help_text="Part of its address; random, and no secret"
    )
    secret_version = models.PositiveIntegerField(default=1, help_text="Raised by each rotation")
    takes_passphrase = models.BooleanField(
        default=False, help_text="For senders that cannot sign, such as TradingView"
    )
    window_seconds = models.PositiveSmallIntegerField(
        default=60, help_text="How far a message's time may be from the desk's"
    )
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="webhooks"
    )
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering = ("deployment",)
        constraints = [
            models.CheckConstraint(
                condition=Q(window_seconds__gte=5, window_seconds__lte=600),
                name="webhook_window_is_5_to_600_seconds",
            )
        ]

    def __str__(self) -> str:
        """Name the public id."""
        return f"webhook {self.public_id}"


class ExternalSignal(models.Model):
    """A message that a webhook took, the signal that it became, and what came of that."""

    class Outcome(models.TextChoices):
        """What the pipeline made of it."""

        ORDERED = "ORDERED", "Ordered"
        DENIED = "DENIED", "Denied"
        NOTHING = "NOTHING", "Nothing to do"

    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="messages")
    signal = models.OneToOneField(Signal, on_delete=models.PROTECT, related_name="external")
    nonce = models.CharField(max_length=64, help_text="The sender's, or the hash of the message")
    body_sha256 = models.CharField(max_length=64)
    price = AmountField(null=True, help_text="What the sender saw")
    note = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(help_text="By the sender's clock")
    received_at = models.DateTimeField(help_text="Machine time")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    dealt_at = models.DateTimeField(null=True, blank=True, help_text="Machine time")

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "nonce"], name="external_signal_once_per_nonce"
            )
        ]
        indexes = [
            models.Index(
                fields=["webhook"], condition=Q(dealt_at=None), name="external_signal_waiting"
            )
        ]

    def __str__(self) -> str:
        """Name the nonce."""
        return self.nonce
