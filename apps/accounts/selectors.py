"""Reads which accounts a person may see, how they prove who they are, and what opens accounts."""

import json
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from apps.accounts.models import (
    Authenticator,
    BrokerCredential,
    CredentialPurpose,
    TradingAccount,
    User,
)
from apps.accounts.roles import SEEING_ALL_ACCOUNTS
from apps.core.clock import now

EXPIRY_WARNING = timedelta(days=14)


class CredentialMissing(LookupError):
    """Nothing that may be used opens the account at its broker."""


def account_list_for(user: User | AnonymousUser) -> QuerySet[TradingAccount]:
    """Return the accounts that a person may read: their memberships, or all for control roles."""
    if not isinstance(user, User) or not user.is_active:
        return TradingAccount.objects.none()
    if sees_all_accounts(user):
        return TradingAccount.objects.all()
    return TradingAccount.objects.filter(memberships__user=user)


def account_list_tradable(user: User | AnonymousUser) -> QuerySet[TradingAccount]:
    """Return the accounts that a person may enter orders on: active ones they are a member of.

    Reading all accounts is not trading them: control roles, too, must be members. Which commands
    they may give follows from their permissions.
    """
    if not isinstance(user, User) or not user.is_active:
        return TradingAccount.objects.none()
    return TradingAccount.objects.filter(memberships__user=user, is_active=True)


def sees_all_accounts(user: User | AnonymousUser) -> bool:
    """Tell whether a person reads every trading account, of which they need not be a member."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.groups.filter(name__in=SEEING_ALL_ACCOUNTS).exists()


def second_factor_of(user: User) -> Authenticator | None:
    """Return the authenticator that a person has confirmed; None when they owe no code."""
    return Authenticator.objects.filter(user=user, confirmed=True).first()


def credential_active(
    *, account: TradingAccount, purpose: str = CredentialPurpose.TRADE
) -> BrokerCredential:
    """Return the version of the account's credential that is in use, its values still sealed.

    Its ``pk`` tells whether what a process read earlier is still the one to use.

    Raises:
        CredentialMissing: There is none.
    """
    rows = {
        each.state: each
        for each in BrokerCredential.objects.filter(
            account=account, purpose=purpose, state__in=["ACTIVE", "PROPOSED"]
        ).select_related("account")
    }
    if active := rows.get("ACTIVE"):
        return active
    way_out = (
        "One was proposed and awaits the approval of a second person in the admin."
        if rows
        else f"Enter one: manage.py credential set {account} --by EMAIL, or in the admin."
    )
    raise CredentialMissing(f"account {account} has no credential in use. {way_out}")


def credential_read(
    *, account: TradingAccount, purpose: str = CredentialPurpose.TRADE
) -> dict[str, str]:
    """Return the values that open the account at its broker, by name.

    Raises:
        CredentialMissing: None is in use; a proposal is not.
        SealBroken: They do not open with the keys of this process.
    """
    return credential_values(credential_active(account=account, purpose=purpose))


def credential_values(credential: BrokerCredential) -> dict[str, str]:
    """Return the values of a version that is in use or proposed, by name.

    Raises:
        SealBroken: They do not open with the keys of this process.
    """
    opened: dict[str, str] = json.loads(credential.field_unseal("sealed_values"))
    return opened


def credential_list_unchecked() -> QuerySet[BrokerCredential]:
    """Return what was entered and never tried at its broker, the oldest first."""
    return (
        BrokerCredential.objects.filter(state__in=["ACTIVE", "PROPOSED"], checked_at=None)
        .select_related("account")
        .order_by("proposed_at")
    )


def credential_list_troubled(*, within: timedelta = EXPIRY_WARNING) -> QuerySet[BrokerCredential]:
    """Return the credentials in use that end soon, have ended or were refused by their broker."""
    return (
        BrokerCredential.objects.filter(state="ACTIVE")
        .filter(Q(expires_at__lte=now() + within) | ~Q(check_error=""))
        .select_related("account")
        .order_by("expires_at", "account__name")
    )


def credential_trouble(credential: BrokerCredential) -> str:
    """Say what is wrong with a credential in use, and what to do; "" if nothing is."""
    key = f"the key …{credential.hint} of {credential.account}"
    ends = credential.expires_at
    if credential.check_error:
        return f"{key} was refused by its broker: {credential.check_error}"
    if ends is None or ends > now() + EXPIRY_WARNING:
        return ""
    if ends <= now():
        return f"{key} ended on {ends:%Y-%m-%d}; make a new one at the broker and enter it"
    days = (ends - now()).days
    return (
        f"{key} ends on {ends:%Y-%m-%d}, {f'in {days} days' if days > 1 else 'within two days'}; "
        "make a new one at the broker and enter it before"
    )
