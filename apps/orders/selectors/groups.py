"""Reads managed orders as the plans look at them."""

from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import (
    GroupKind,
    GroupSnapshot,
    GroupState,
    LegSnapshot,
    group_settings,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, Side
from apps.orders.models import Order, OrderEvent, OrderGroup
from apps.strategies.models import Deployment

OPEN_GROUP_STATES = [GroupState.ACTIVE.value, GroupState.CANCELING.value]


def group_list_open(*, account: TradingAccount | None = None) -> QuerySet[OrderGroup]:
    """Return the managed orders that have not ended, oldest first."""
    groups = OrderGroup.objects.filter(state__in=OPEN_GROUP_STATES)
    if account is not None:
        groups = groups.filter(account=account)
    return groups.select_related("account", "instrument", "deployment").order_by("pk")


def group_list_open_of(*, deployment: Deployment, instrument: Instrument) -> list[OrderGroup]:
    """Return a deployment's managed orders on an instrument that have not ended, oldest first.

    ``entry_is_to_come`` tells of each whether its entry was never written down.
    """
    entries = Order.objects.filter(group=OuterRef("pk"), role=OrderRole.ENTRY.value)
    return list(
        OrderGroup.objects.filter(
            deployment=deployment, instrument=instrument, state__in=OPEN_GROUP_STATES
        )
        .annotate(entry_is_to_come=~Exists(entries))
        .select_related("account", "instrument", "deployment")
        .order_by("pk")
    )


def group_account_waiting(*, deployment_id: int) -> int | None:
    """Return the account that must be worked for a deployment's managed orders now, or None."""
    waiting = OrderGroup.objects.filter(
        deployment=deployment_id, state__in=OPEN_GROUP_STATES, due_at__isnull=False
    )
    return waiting.values_list("account_id", flat=True).first()


def group_snapshot(group: OrderGroup, *, can_amend: bool) -> GroupSnapshot:
    """Return a managed order with its legs as they stand now.

    Args:
        can_amend: The venue can change working orders.
    """
    kind = GroupKind(group.kind)
    return GroupSnapshot(
        kind=kind,
        state=GroupState(group.state),
        side=Side(group.side),
        quantity=group.quantity,
        lot_size=group.instrument.lot_size,
        tick_size=group.instrument.tick_size,
        settings=group_settings(kind, group.settings),
        can_amend=can_amend,
        legs=tuple(_leg(order) for order in _legs(group)),
        memory=group.memory,
        expires_at=group.expires_at,
    )


def group_entry_average(group: OrderGroup) -> Decimal:
    """Return the average price at which a bracket's entry has filled; zero while nothing has."""
    average = (
        Order.objects.filter(group=group, leg="entry")
        .values_list("average_fill_price", flat=True)
        .first()
    )
    return average or ZERO


def _legs(group: OrderGroup) -> QuerySet[Order]:
    asked = OrderEvent.objects.filter(
        order=OuterRef("pk"), kind__in=("order.cancel_requested", "order.abandoned")
    )
    return Order.objects.filter(group=group).annotate(is_taken_back=Exists(asked)).order_by("pk")


def _leg(order: Order) -> LegSnapshot:
    return LegSnapshot(
        name=order.leg,
        status=OrderStatus(order.status),
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        canceled_by_desk=getattr(order, "is_taken_back", False),
        reason=order.status_reason,
    )
