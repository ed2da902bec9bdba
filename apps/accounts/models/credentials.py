"""What opens an account at its broker: sealed, proposed by one person and approved by another."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from apps.accounts.models.people import TradingAccount, User
from apps.core.clock import wall_now
from apps.core.sealing import SealedRow


class CredentialPurpose(models.TextChoices):
    """What a credential is used for."""

    TRADE = "TRADE", "Trading"
    DATA = "DATA", "Market data"


class BrokerCredential(SealedRow, models.Model):
    """One version of an account's credential.

    A change is a new row. Rows that ended stay as history, without what they held: secrets exist
    only in the version that is used and in the one that waits for its approval.
    """

    sealed_fields: ClassVar[tuple[str, ...]] = ("sealed_values",)

    class State(models.TextChoices):
        """Where it stands."""

        PROPOSED = "PROPOSED", "Awaits approval"
        ACTIVE = "ACTIVE", "In use"
        DECLINED = "DECLINED", "Declined"
        SUPERSEDED = "SUPERSEDED", "Superseded"
        REVOKED = "REVOKED", "Revoked"

    # Known before the insert, so that the secrets can be bound to it
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.ForeignKey(
        TradingAccount, on_delete=models.PROTECT, related_name="credentials"
    )
    purpose = models.CharField(
        max_length=8, choices=CredentialPurpose.choices, default=CredentialPurpose.TRADE
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.PROPOSED)
    sealed_values = models.TextField(blank=True, editable=False)
    names = models.JSONField(default=list, help_text="Which values it holds")
    hint = models.CharField(max_length=4, blank=True, help_text="The API key's last characters")
    needs_second_person = models.BooleanField(default=True, editable=False)
    proposed_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty when somebody at the desk's own terminal gave no name",
    )
    proposed_at = models.DateTimeField(default=wall_now, editable=False, help_text="Machine time")
    reason = models.CharField(max_length=400, blank=True)
    decided_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who approved or declined it",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its secrets are gone"
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When the broker ends it, where that is known"
    )
    checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the broker was last asked about it"
    )
    check_error = models.CharField(
        max_length=400, blank=True, help_text="What the broker said against it at that time"
    )
    permissions = models.JSONField(default=list, help_text="What the broker said that it may do")

    class Meta:
        ordering = ("-proposed_at",)
        permissions = [("approve_brokercredential", "Can approve credentials of others")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "purpose", "state"],
                condition=Q(state__in=["PROPOSED", "ACTIVE"]),
                name="credential_once_per_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="ACTIVE")
                | Q(needs_second_person=False)
                | (
                    Q(proposed_by__isnull=False, decided_by__isnull=False)
                    & ~Q(decided_by=F("proposed_by"))
                ),
                name="credential_approved_by_another_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["PROPOSED", "ACTIVE"]) ^ Q(sealed_values=""),
                name="credential_ended_holds_nothing",
            ),
        ]

    def __str__(self) -> str:
        """Name account, purpose and the end of the key."""
        return f"{self.account} {self.get_purpose_display()} …{self.hint}"
