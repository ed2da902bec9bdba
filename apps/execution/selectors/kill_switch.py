"""Reads what a kill switch holds: accounts, orders, managed orders, positions, brokers' lists."""

from django.db.models import QuerySet

from apps.accounts.models import TradingAccount
from apps.orders.domain.types import OrderReport
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import FINAL_VALUES, OPEN_GROUP_STATES
from apps.positions.models import Position
from apps.risk.models import KillSwitch


def switch_account_list(*, switch: KillSwitch) -> list[TradingAccount]:
    """Return the accounts in which a switch holds anything.

    An account that is named is looked after though it is no longer active; so are the accounts of
    a deployment or strategy. The whole desk is its active accounts.
    """
    accounts = TradingAccount.objects.all()
    if switch.account_id is not None:
        accounts = accounts.filter(pk=switch.account_id)
    if switch.deployment_id is not None:
        accounts = accounts.filter(deployments=switch.deployment_id)
    if switch.strategy_name:
        accounts = accounts.filter(deployments__version__name=switch.strategy_name)
    if switch.account_id is None and holds_all_of_account(switch=switch):
        accounts = accounts.filter(is_active=True)
    return list(accounts.distinct().order_by("pk"))


def holds_all_of_account(*, switch: KillSwitch) -> bool:
    """Tell whether the switch holds whoever trades: all of an account, or of its instrument."""
    return switch.deployment_id is None and not switch.strategy_name


def switch_order_list(*, switch: KillSwitch, account: TradingAccount) -> QuerySet[Order]:
    """Return the account's orders that the switch is there to end.

    What closes positions for a kill switch that holds is not among them.
    """
    orders = Order.objects.filter(account=account, **_scope(switch))
    closing = order_list_closing(account=account).values("pk")
    return orders.exclude(pk__in=closing).select_related("account", "instrument")


def order_list_closing(*, account: TradingAccount) -> QuerySet[Order]:
    """Return the orders under way that close the account's positions for switches that hold."""
    return (
        Order.objects.filter(account=account, kill_switch__isnull=False)
        .exclude(kill_switch__state=KillSwitch.State.RELEASED)
        .exclude(status__in=FINAL_VALUES)
        .select_related("account", "instrument")
        .order_by("pk")
    )


def switch_group_list_open(*, switch: KillSwitch, account: TradingAccount) -> QuerySet[OrderGroup]:
    """Return the account's managed orders that the switch is there to end."""
    return OrderGroup.objects.filter(
        account=account, state__in=OPEN_GROUP_STATES, **_scope(switch)
    ).order_by("pk")


def switch_position_list(*, switch: KillSwitch, account: TradingAccount) -> list[Position]:
    """Return what the account holds in the switch's scope by our books, by owner."""
    return list(
        Position.objects.filter(account=account, **_scope(switch))
        .exclude(quantity=0)
        .select_related("instrument", "deployment")
        .order_by("pk")
    )


def switch_report_list(
    *, switch: KillSwitch, account: TradingAccount, reports: list[OrderReport]
) -> list[OrderReport]:
    """Return those of the broker's working orders that the switch is there to end.

    Of an account these are also orders that the desk does not know.
    """
    if switch.instrument is not None:
        reports = [report for report in reports if report.symbol == switch.instrument.symbol]
    listed = [report.client_order_id for report in reports]
    if holds_all_of_account(switch=switch):
        closing = order_list_closing(account=account).filter(client_order_id__in=listed)
        spared = set(closing.values_list("client_order_id", flat=True))
        return [report for report in reports if report.client_order_id not in spared]
    ours = switch_order_list(switch=switch, account=account).filter(client_order_id__in=listed)
    wanted = set(ours.values_list("client_order_id", flat=True))
    return [report for report in reports if report.client_order_id in wanted]


def _scope(switch: KillSwitch) -> dict[str, object]:
    """Return the conditions that an order, managed order or position of an account fulfils."""
    scope: dict[str, object] = {}
    if switch.instrument_id is not None:
        scope["instrument"] = switch.instrument_id
    if switch.deployment_id is not None:
        scope["deployment"] = switch.deployment_id
    if switch.strategy_name:
        scope["deployment__version__name"] = switch.strategy_name
    return scope
