"""Reads where a deployment stands and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import ZERO
from apps.core.rows import row_of, rows_of
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import GroupState
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, Side
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors import (
    FINAL_VALUES,
    OPEN_GROUP_STATES,
    group_list_open_of,
    order_list_open_of,
)
from apps.strategies.models import Deployment, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a deployment holds of an instrument and has under way.

    Attributes:
        held: Signed units, from fills.
        open_orders: Orders that are not final, legs of managed orders among them, oldest first.
        open_groups: Managed orders that have not ended, oldest first.
        lot_size: Less than that can be neither held on purpose nor left.
    """

    held: Decimal
    open_orders: tuple[Order, ...]
    open_groups: tuple[OrderGroup, ...] = ()
    lot_size: Decimal = ZERO

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
        if abs(expected) < self.lot_size:
            return 0
        return (expected > 0) - (expected < 0)

    def _still_wanted(self, order: Order) -> bool:
        if order.status == OrderStatus.PENDING_CANCEL:
            return False
        ending = (group.pk for group in self.open_groups if group.state != GroupState.ACTIVE)
        return order.group_id is None or order.group_id not in ending


# Every decision asks this up to four times, and mostly there is nothing to read beyond it
_AT_HAND = """
SELECT
    (SELECT quantity FROM positions_position
     WHERE account_id = %(account)s AND instrument_id = %(instrument)s
     AND deployment_id = %(deployment)s),
    EXISTS (SELECT FROM orders_order
     WHERE account_id = %(account)s AND instrument_id = %(instrument)s
     AND deployment_id = %(deployment)s AND status <> ALL (%(final)s)),
    EXISTS (SELECT FROM orders_ordergroup
     WHERE deployment_id = %(deployment)s AND instrument_id = %(instrument)s
     AND state = ANY (%(open)s))
"""


def standing_of(*, deployment: Deployment, instrument: Instrument) -> Standing:
    """Return what the deployment holds and has under way on the instrument."""
    row = row_of(
        _AT_HAND,
        {
            "account": deployment.account_id,
            "deployment": deployment.pk,
            "instrument": instrument.pk,
            "final": FINAL_VALUES,
            "open": OPEN_GROUP_STATES,
        },
    )
    held, has_orders, has_groups = row or (None, False, False)
    scope: dict[str, Any] = {"deployment": deployment, "instrument": instrument}
    return Standing(
        held=held or ZERO,
        open_orders=tuple(order_list_open_of(**scope)) if has_orders else (),
        open_groups=tuple(group_list_open_of(**scope)) if has_groups else (),
        lot_size=instrument.lot_size,
    )


_ORDERED = """
SELECT EXISTS (SELECT FROM orders_order WHERE signal_id = %(signal)s)
    OR EXISTS (SELECT FROM orders_ordergroup WHERE signal_id = %(signal)s)
"""


def signal_is_ordered(*, signal: Signal) -> bool:
    """Tell whether orders were written for a signal, whatever became of them."""
    return row_of(_ORDERED, {"signal": signal.pk}) == (True,)


_CURSORS = """
SELECT instrument_id, bar_open_at FROM execution_deploymentcursor
WHERE deployment_id = %(deployment)s
"""


def cursors_of(*, deployment: Deployment) -> dict[int, datetime]:
    """Return the open time of the last bar dealt with, by instrument id."""
    return dict(rows_of(_CURSORS, {"deployment": deployment.pk}))


_BARS_WAIT = """
SELECT EXISTS (
    SELECT FROM strategies_deployment_instruments AS traded
    LEFT JOIN execution_deploymentcursor AS cursor
    ON cursor.deployment_id = traded.deployment_id AND cursor.instrument_id = traded.instrument_id
    WHERE traded.deployment_id = %(deployment)s AND EXISTS (
        SELECT FROM marketdata_candle AS candle
        WHERE candle.instrument_id = traded.instrument_id AND candle.timeframe = %(timeframe)s
        AND (cursor.bar_open_at IS NULL OR candle.open_at > cursor.bar_open_at)
    )
)
"""


def bars_wait(*, deployment: Deployment) -> bool:
    """Tell whether there is a bar that the deployment has not dealt with."""
    values = {"deployment": deployment.pk, "timeframe": deployment.timeframe}
    return row_of(_BARS_WAIT, values) == (True,)


_DESK_START = "SELECT started_at FROM reconciliation_deskstart ORDER BY id DESC LIMIT 1"


def desk_start_latest() -> datetime | None:
    """Return when the desk was last started (machine time), or None."""
    row = row_of(_DESK_START, {})
    return row[0] if row else None
