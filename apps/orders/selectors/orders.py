"""Reads of orders, ready to use without further queries."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.core.rows import row_of
from apps.marketdata.models import Instrument
from apps.orders.domain.states import FINAL, UNRESOLVED, WORKING, OrderStatus
from apps.orders.models import InstrumentFreeze, Order
from apps.strategies.models import Deployment

WORKING_VALUES = [status.value for status in WORKING]
FINAL_VALUES = [status.value for status in FINAL]
UNRESOLVED_VALUES = [status.value for status in UNRESOLVED]
BY_DESK = Q(deployment=None) | Q(group__isnull=False) | Q(kill_switch__isnull=False)
"""Orders that whoever works the account sends, and no deployment."""
_WAITING = [OrderStatus.INTENT.value, OrderStatus.PENDING_NEW.value]


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

    Exits that wait for their entry are left out: the entry carries them. So are the legs of
    managed orders and the closing orders of kill switches, which whoever works the account looks
    after.
    """
    return (
        Order.objects.filter(deployment=deployment)
        .filter(
            Q(status__in=UNRESOLVED_VALUES)
            | Q(status=OrderStatus.INTENT.value, parent__isnull=True)
        )
        .filter(group=None, kill_switch=None)
        .select_related("instrument", "account")
        .order_by("pk")
    )


_UNFINISHED = """
SELECT EXISTS (
    SELECT FROM orders_order
    WHERE account_id = %(account)s AND deployment_id = %(deployment)s
    AND (status = ANY (%(unresolved)s) OR status = %(intent)s AND parent_id IS NULL)
    AND group_id IS NULL AND kill_switch_id IS NULL
)
"""


def order_any_unfinished(*, deployment: Deployment) -> bool:
    """Tell whether ``order_list_unfinished`` would return anything, at the least cost."""
    values = {
        "account": deployment.account_id,
        "deployment": deployment.pk,
        "unresolved": UNRESOLVED_VALUES,
        "intent": OrderStatus.INTENT.value,
    }
    return row_of(_UNFINISHED, values) == (True,)


def order_list_unfinished_of_desk(*, account: TradingAccount) -> QuerySet[Order]:
    """Return what the account has to send or to find out that no deployment looks after.

    These are orders by hand and by API, legs of managed orders, and closing orders of kill
    switches; oldest first.
    """
    return (
        Order.objects.filter(BY_DESK, account=account)
        .filter(
            Q(status__in=UNRESOLVED_VALUES)
            | Q(status=OrderStatus.INTENT.value, parent__isnull=True)
        )
        .select_related("instrument", "account", "deployment")
        .order_by("pk")
    )


def order_list_changing(*, account: TradingAccount) -> QuerySet[Order]:
    """Return the account's orders whose cancel or amendment the venue has not confirmed."""
    return (
        Order.objects.filter(
            account=account,
            status__in=[OrderStatus.PENDING_CANCEL.value, OrderStatus.PENDING_REPLACE.value],
        )
        .select_related("instrument", "account")
        .order_by("pk")
    )


def order_list_expiring(*, account: TradingAccount, until: datetime) -> QuerySet[Order]:
    """Return the account's working orders whose time is over at ``until`` (market time)."""
    return (
        order_list_working(account=account)
        .filter(expires_at__lte=until)
        .exclude(status=OrderStatus.PENDING_CANCEL.value)
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


def order_list_fillable(*, account: TradingAccount) -> list[Order]:
    """Return the account's orders that may fill right now with their instruments, oldest first."""
    return list(
        Order.objects.filter(account=account)
        .select_related("instrument")
        .exclude(status__in=FINAL_VALUES)
        .exclude(parent__isnull=False, status__in=_WAITING)
        .order_by("pk")
    )


def order_times_sent(
    *, account: TradingAccount | None, instrument: Instrument, since: datetime
) -> list[datetime]:
    """Return when orders on the instrument's venue and kind were decided, oldest first.

    Args:
        account: Only this account's; None: the whole desk's.
        since: Market time; orders decided at it count.
    """
    orders = Order.objects.filter(
        instrument__venue=instrument.venue,
        instrument__kind=instrument.kind,
        parent=None,
        decided_at__gte=since,
    )
    if account is not None:
        orders = orders.filter(account=account)
    return list(orders.order_by("decided_at").values_list("decided_at", flat=True))


_FREEZE = """
SELECT reason FROM orders_instrumentfreeze
WHERE account_id = %(account)s AND instrument_id = %(instrument)s AND released_at IS NULL
ORDER BY id DESC LIMIT 1
"""


def freeze_reason(*, account: TradingAccount, instrument: Instrument) -> str | None:
    """Return why the instrument is frozen on the account, or None."""
    row = row_of(_FREEZE, {"account": account.pk, "instrument": instrument.pk})
    return None if row is None else str(row[0])


def closing_is_unknown(*, account: TradingAccount, instrument: Instrument) -> bool:
    """Tell whether the outcome of an order that closes for a kill switch is not known."""
    return InstrumentFreeze.objects.filter(
        account=account,
        instrument=instrument,
        released_at=None,
        order__kill_switch__isnull=False,
    ).exists()
