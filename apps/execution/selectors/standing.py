"""Reads where a deployment stands and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.execution.models import DeploymentCursor
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, Side
from apps.orders.models import Order
from apps.orders.selectors import order_list_open_of
from apps.positions.selectors import position_quantity
from apps.reconciliation.models import DeskStart
from apps.strategies.models import Deployment, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a deployment holds of an instrument and has under way.

    Attributes:
        held: Signed units, from fills.
        open_orders: Orders that are not final, oldest first.
    """

    held: Decimal
    open_orders: tuple[Order, ...]

    @property
    def direction(self) -> int:
        """1, 0 or -1: what the deployment holds once its entries and exits have filled."""
        expected = self.held
        for order in self.open_orders:
            if order.role in (OrderRole.ENTRY, OrderRole.EXIT) and _still_wanted(order):
                expected += Side(order.side).sign * order.leaves_quantity
        return (expected > 0) - (expected < 0)


def _still_wanted(order: Order) -> bool:
    return order.status != OrderStatus.PENDING_CANCEL


def standing_of(*, deployment: Deployment, instrument: Instrument) -> Standing:
    """Return what the deployment holds and has under way on the instrument."""
    return Standing(
        held=position_quantity(
            account=deployment.account, instrument=instrument, deployment=deployment
        ),
        open_orders=tuple(order_list_open_of(deployment=deployment, instrument=instrument)),
    )


def signal_is_ordered(*, signal: Signal) -> bool:
    """Tell whether orders were written for a signal, whatever became of them."""
    return Order.objects.filter(signal=signal).exists()


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
