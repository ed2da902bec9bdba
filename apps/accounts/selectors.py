"""Reads which trading accounts a person may see, and how they prove who they are."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.models import TradingAccount, User
from apps.accounts.roles import SEEING_ALL_ACCOUNTS


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


def second_factor_of(user: User) -> TOTPDevice | None:
    """Return the authenticator that a person has confirmed; None when they owe no code."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()
