"""Opens trading accounts and decides who is a member of them."""

from django.db import transaction

from apps.accounts.models import AccountMembership, TradingAccount, TradingMode, User
from apps.core.services import audit_record


@transaction.atomic
def account_create(
    *,
    name: str,
    broker: str,
    base_currency: str,
    mode: str = TradingMode.PAPER,
    actor: User | None = None,
) -> TradingAccount:
    """Open a trading account.

    Args:
        broker: One of ``Broker``.
        base_currency: Currency in which its equity is counted.
        mode: One of ``TradingMode``; a paper broker takes paper only.

    Raises:
        django.core.exceptions.ValidationError: A value is not possible, or the name is taken.
    """
    account = TradingAccount(name=name, broker=broker, mode=mode, base_currency=base_currency)
    account.full_clean()
    account.save()
    audit_record(
        action="account.created",
        subject=account,
        actor=actor,
        details={"broker": broker, "mode": mode, "base_currency": base_currency},
    )
    return account


@transaction.atomic
def account_deactivate(
    *, account: TradingAccount, actor: User | None = None, reason: str = ""
) -> None:
    """Let an account trade and be reconciled no more; one that is inactive already stays so."""
    if not TradingAccount.objects.filter(pk=account.pk, is_active=True).update(is_active=False):
        return
    account.is_active = False
    audit_record(action="account.deactivated", subject=account, actor=actor, reason=reason)


@transaction.atomic
def membership_add(
    *, account: TradingAccount, user: User, actor: User | None = None, reason: str = ""
) -> AccountMembership:
    """Make a person a member of an account; somebody who is one already stays one."""
    membership, created = AccountMembership.objects.get_or_create(account=account, user=user)
    if created:
        audit_record(
            action="account.member_added",
            subject=account,
            actor=actor,
            reason=reason,
            details={"user_id": user.pk, "user": user.email},
        )
    return membership


@transaction.atomic
def membership_remove(
    *, membership: AccountMembership, actor: User | None = None, reason: str = ""
) -> None:
    """End a person's access to an account."""
    audit_record(
        action="account.member_removed",
        subject=membership.account,
        actor=actor,
        reason=reason,
        details={"user_id": membership.user_id, "user": membership.user.email},
    )
    membership.delete()
