"""Reads of orders, ready to use without further queries."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.marketdata.models import Instrument
from apps.orders.domain.states import FINAL, UNRESOLVED, WORKING, OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.models import InstrumentFreeze, Order
from apps.strategies.models import Deployment

WORKING_VALUES = [status.value for status in WORKING]
FINAL_VALUES = [status.value for status in FINAL]
UNRESOLVED_VALUES = [status.value for status in UNRESOLVED]


def order_list_for(
    user: User | AnonymousUser,
    *,
    account: TradingAccount | None = None,
    status: str = "",
    before: int | None = None,
) -> QuerySet[Order]:
    """Return the orders on accounts that ``user`` may read, newest first.

    Args:
        account: Only this account's.
        status: Only orders in this status; empty for all.
        before: Only orders with a smaller id: the page below that order.
    """
    orders = Order.objects.filter(account__in=account_list_for(user))
    if account is not None:
        orders = orders.filter(account=account)
    if status:
        orders = orders.filter(status=status)
    if before is not None:
        orders = orders.filter(pk__lt=before)
    return orders.select_related("instrument", "deployment", "account").order_by("-pk")


def order_list_working(*, account: TradingAccount) -> QuerySet[Order]:
    """Return the account's orders that live at the broker, newest first."""
    return Order.objects.filter(account=account, status__in=WORKING_VALUES).select_related(
        "instrument", "deployment", "account"
    )


def order_list_unfinished(*, deployment: Deployment) -> QuerySet[Order]:
    """Return what a deployment still has to send or to find out, oldest first.

    Exits that wait for their entry are left out: the entry carries them.
    """
    return (
        Order.objects.filter(deployment=deployment)
        .filter(
            Q(status__in=UNRESOLVED_VALUES)
            | Q(status=OrderStatus.INTENT.value, parent__isnull=True)
        )
        .select_related("instrument", "account")
        .order_by("pk")
    )


def order_list_open_of(*, deployment: Deployment, instrument: Instrument) -> list[Order]:
    """Return a deployment's orders on an instrument that are not final, oldest first."""
    return list(
        Order.objects.filter(deployment=deployment, instrument=instrument)
        .exclude(status__in=FINAL_VALUES)
        .select_related("instrument", "account")
        .order_by("pk")
    )


def order_count_decided_since(*, account: TradingAccount, since: datetime) -> int:
    """Return how many orders the account decided on after ``since`` (market time), exits aside."""
    return Order.objects.filter(
        account=account,
        decided_at__gt=since,
        role__in=[OrderRole.ENTRY.value, OrderRole.EXIT.value],
    ).count()


def freeze_reason(*, account: TradingAccount, instrument: Instrument) -> str | None:
    """Return why the instrument is frozen on the account, or None."""
    return (
        InstrumentFreeze.objects.filter(account=account, instrument=instrument, released_at=None)
        .values_list("reason", flat=True)
        .first()
    )
