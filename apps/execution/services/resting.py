"""Takes back what orders of a bounded price leave unfilled, so that nothing rests by accident."""

from collections.abc import Iterable
from datetime import datetime

from apps.execution.selectors import standing_of
from apps.execution.services.runs import DeploymentRun
from apps.execution.services.sending import order_cancel
from apps.marketdata.models import Instrument
from apps.orders.domain.states import UNRESOLVED, OrderStatus
from apps.orders.domain.types import OrderRole, Side
from apps.orders.models import Order
from apps.orders.selectors import order_list_open_of
from apps.reconciliation.services import reports_intake
from apps.strategies.models import Deployment
from apps.strategies.services import closing_request

_NOT_AT_VENUE = frozenset({OrderStatus.INTENT, OrderStatus.PENDING_CANCEL}) | UNRESOLVED


def protected_list(
    *, run: DeploymentRun, instrument: Instrument, decided_before: datetime
) -> list[Order]:
    """Return orders with a bounded price that still work though their bar is over.

    An exit that the end of its day has ended first is among them: its position is still held.

    Args:
        decided_before: Close of the newest bar (UTC).
    """
    deployment, capabilities = run.deployment, run.gateway.capabilities
    if deployment.maximum_slippage_bps is None and capabilities.market_orders_by_algo:
        return []
    working = [
        order
        for order in order_list_open_of(deployment=deployment, instrument=instrument)
        if order.maximum_slippage_bps is not None
        and order.decided_at < decided_before
        and order.status not in _NOT_AT_VENUE
    ]
    return working or _exit_run_out(deployment, instrument)


def _exit_run_out(deployment: Deployment, instrument: Instrument) -> list[Order]:
    """Return the newest order of the deployment if it was to close what is held and ran out."""
    newest = (
        Order.objects.filter(deployment=deployment, instrument=instrument, group=None)
        .filter(role__in=[OrderRole.ENTRY.value, OrderRole.EXIT.value])
        .select_related("instrument", "account")
        .order_by("-pk")
        .first()
    )
    if newest is None or newest.role != OrderRole.EXIT or not _has_run_out(newest):
        return []
    standing = standing_of(deployment=deployment, instrument=instrument)
    return [newest] if standing.held * Side(newest.side).sign < 0 else []


def _has_run_out(order: Order) -> bool:
    """Tell whether its time ended a bounded order: the venue says so, or it ended after that."""
    if order.maximum_slippage_bps is None or order.leaves_quantity == 0:
        return False
    if order.status == OrderStatus.EXPIRED:
        return True
    ended, ends = order.closed_at, order.expires_at
    return order.status == OrderStatus.CANCELED and bool(ended and ends and ended >= ends)


def protected_take_back(*, run: DeploymentRun, orders: Iterable[Order]) -> None:
    """Cancel them. The rest of an entry is given up; for an exit a new one is priced.

    Raises:
        LeaseLost: Another worker runs the deployment.
        BrokerError: The venue did not take the request.
    """
    for order in orders:
        if order.role == OrderRole.ENTRY:
            reason = "it did not fill within its bar; the rest of a bounded entry is given up"
            order_cancel(run=run, order=order, reason=reason)
            continue
        closing = closing_request(
            deployment=run.deployment,
            instrument=order.instrument,
            reason="its exit did not fill within a bar",
        )
        run.closings[order.instrument_id] = closing
    reports_intake(account=run.account, gateway=run.gateway)
