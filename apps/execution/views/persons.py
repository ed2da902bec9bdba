"""Who opens a page, and whether they trade on an account."""

from functools import partial

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_tradable
from apps.execution.tasks import account_tick_ask


def person_of(request: HttpRequest) -> User:
    """Return who is signed in.

    Raises:
        PermissionDenied: Nobody is.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def member_require(request: HttpRequest, account: TradingAccount) -> None:
    """Let only members of an active account command its orders.

    Raises:
        PermissionDenied: The person reads the account, and does not trade it.
    """
    if not account_list_tradable(request.user).filter(pk=account.pk).exists():
        raise PermissionDenied(f"Only members of the active account {account} trade on it.")


def worker_wake(account: TradingAccount) -> None:
    """Have the account worked once all is committed."""
    transaction.on_commit(partial(account_tick_ask, account_id=account.pk))
