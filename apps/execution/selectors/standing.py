"""Reads where a deployment stands and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.execution.models import DeploymentCursor
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import GroupState
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, Side
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import group_list_open_of, order_list_open_of
from apps.positions.selectors import position_quantity
from apps.reconciliation.models import DeskStart
from apps.strategies.models import Deployment, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a deployment holds of an instrument and has under way.

    Attributes:
        held: Signed units, from fills.
        open_orders: Orders that are not final, legs of managed orders among them, oldest first.
        open_groups: Managed orders that have not ended, oldest first.
    """

    held: Decimal
    open_orders: tuple[Order, ...]
    open_groups: tuple[OrderGroup, ...] = ()

    @property
    def direction(self) -> int:
        """1, 0 or -1: what the deployment holds once its entries and exits have filled."""
        expected = self.held
        for order in self.open_orders:
            if order.role in (OrderRole.ENTRY, OrderRole.EXIT) and self._still_wanted(order):
                expected += Side(order.side).sign * order.leaves_quantity
        for group in self.open_groups:
            if group.state == GroupState.ACTIVE and getattr(group, "entry_is_to_come", False):
                expected += Side(group.side).sign * group.quantity
        return (expected > 0) - (expected < 0)

    def _still_wanted(self, order: Order) -> bool:
        if order.status == OrderStatus.PENDING_CANCEL:
            return False
        ending = (group.pk for group in self.open_groups if group.state != GroupState.ACTIVE)
        return order.group_id is None or order.group_id not in ending


def standing_of(
    *, deployment: Deployment, instrument: Instrument, has_groups: bool = True
) -> Standing:
    """Return what the deployment holds and has under way on the instrument.

    Args:
        has_groups: False saves a look for managed orders where there can be none.
    """
    groups = group_list_open_of(deployment=deployment, instrument=instrument) if has_groups else []
    return Standing(
        held=position_quantity(
            account=deployment.account, instrument=instrument, deployment=deployment
        ),
        open_orders=tuple(order_list_open_of(deployment=deployment, instrument=instrument)),
        open_groups=tuple(groups),
    )


def signal_is_ordered(*, signal: Signal) -> bool:
    """Tell whether orders were written for a signal, whatever became of them."""
    return (
        Order.objects.filter(signal=signal).exists()
        or OrderGroup.objects.filter(signal=signal).exists()
    )


def cursors_of(*, deployment: Deployment) -> dict[int, datetime]:
    """Return the open time of the last bar dealt with, by instrument id."""
    return dict(
        DeploymentCursor.objects.filter(deployment=deployment).values_list(
            "instrument_id", "bar_open_at"
        )
    )


def desk_start_latest() -> datetime | None:
    """Return when the desk was last started (machine time), or None."""
    return DeskStart.objects.values_list("started_at", flat=True).first()
