"""Ends what a deployment has under way: before something new, or because it may open nothing."""

from apps.execution.selectors import Standing, standing_of
from apps.execution.services.runs import DeploymentHold
from apps.execution.services.sending import order_cancel
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import GroupState
from apps.orders.domain.states import UNRESOLVED, OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.models import Order, OrderGroup
from apps.orders.services import group_cancel_request
from apps.reconciliation.services import reports_intake

_WAITS_FOR_ENTRY = (OrderStatus.INTENT, OrderStatus.PENDING_NEW)
_LEFT_ALONE = frozenset({OrderStatus.INTENT, OrderStatus.PENDING_CANCEL}) | UNRESOLVED


def way_clear(
    *,
    run: DeploymentHold,
    instrument: Instrument,
    standing: Standing,
    reason: str = "a newer signal replaced it",
) -> bool:
    """Take back everything that works for the old position, and take in what came of it.

    Managed orders are asked to end; whoever works the account takes their legs back.

    Returns:
        Whether nothing is under way any more. False: ask again later.

    Raises:
        LeaseLost: Another worker runs the deployment.
        BrokerError: The venue did not take a request.
    """
    for group in standing.open_groups:
        _group_end(run, group, reason)
    for order in standing.open_orders:
        # Exits that wait for their entry end with it
        is_waiting = order.parent_id is not None and order.status in _WAITS_FOR_ENTRY
        if order.group_id is None and not is_waiting:
            order_cancel(run=run, order=order, reason=reason)
    if not standing.open_orders and not standing.open_groups:
        return True
    if standing.open_orders:
        reports_intake(account=run.account, gateway=run.gateway)
    left = standing_of(deployment=run.deployment, instrument=instrument)
    return not left.open_orders and not left.open_groups


def entries_take_back(*, run: DeploymentHold, instrument: Instrument, reason: str) -> bool:
    """Take back what would open a position; what protects one goes on working.

    Of a managed order only the entry is taken back: what crosses that and fills gets its exits.

    Returns:
        Whether no entry is under way any more. False: ask again later.

    Raises:
        LeaseLost: Another worker runs the deployment.
        BrokerError: The venue did not take a request.
    """
    standing = standing_of(deployment=run.deployment, instrument=instrument)
    for group in standing.open_groups:
        if getattr(group, "entry_is_to_come", False):
            _group_end(run, group, reason)
    ending = [order for order in standing.open_orders if _is_entry_at_venue(order)]
    for order in ending:
        order_cancel(run=run, order=order, reason=reason)
    if ending:
        reports_intake(account=run.account, gateway=run.gateway)
        standing = standing_of(deployment=run.deployment, instrument=instrument)
    return not any(order.role == OrderRole.ENTRY for order in standing.open_orders)


def _is_entry_at_venue(order: Order) -> bool:
    """Tell whether an entry works at the venue and nobody has asked for its end."""
    return order.role == OrderRole.ENTRY and order.status not in _LEFT_ALONE


def _group_end(run: DeploymentHold, group: OrderGroup, reason: str) -> None:
    if group.state != GroupState.ACTIVE:
        return
    with run.lease_kept():
        group_cancel_request(group=group, reason=reason)
