"""Finds out what became of orders that a dead worker, or a lost reply, left behind."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from apps.core.clock import standing_at, wall_now
from apps.execution.services.runs import AccountRun, DeploymentHold, OrderRun
from apps.execution.services.sending import order_end_unsent, order_send
from apps.orders.domain.ports import AbsenceProver, BrokerError
from apps.orders.domain.states import UNRESOLVED, IllegalTransition, OrderStatus
from apps.orders.models import Order
from apps.orders.selectors import (
    order_any_unfinished,
    order_list_unfinished,
    order_list_unfinished_of_desk,
)
from apps.orders.services import (
    order_absence_record,
    order_absent_end,
    order_look_up_note,
    order_mark_unknown,
)
from apps.reconciliation.services import report_take_in


def leftovers_settle(*, run: DeploymentHold) -> bool:
    """Settle every order of the deployment that was begun and not brought to an answer.

    An inherited SENDING order is UNKNOWN. An UNKNOWN one is looked up; it is sent again only
    when the venue has kept saying for its waiting window that it has none, and the signal is
    still fresh. An INTENT that never left is sent while fresh, else abandoned.

    Returns:
        Whether nothing is left open. False: ask again later; no new order may be sent meanwhile.

    Raises:
        LeaseLost: Another worker runs the deployment.
    """
    if not order_any_unfinished(deployment=run.deployment):
        return True
    return not _unsettled(run, order_list_unfinished(deployment=run.deployment))


def account_leftovers_settle(*, run: AccountRun) -> set[int]:
    """Settle the account's orders by hand and legs of managed orders in the same way.

    Returns:
        Ids of the instruments on which something is left open: ask again later.

    Raises:
        LeaseLost: Another worker works the account.
    """
    return _unsettled(run, order_list_unfinished_of_desk(account=run.account))


def closings_settle(*, run: AccountRun) -> set[int]:
    """Settle what the account has begun to close for kill switches, and nothing else.

    Returns:
        Ids of the instruments on which something is left open: ask again later.

    Raises:
        LeaseLost: Another worker works the account.
    """
    closings = order_list_unfinished_of_desk(account=run.account).filter(kill_switch__isnull=False)
    return _unsettled(run, closings)


def _unsettled(run: OrderRun, orders: Iterable[Order]) -> set[int]:
    unsettled: set[int] = set()
    for order in orders:
        if order.instrument_id in unsettled:
            continue  # an entry never overtakes the exit that was to come before it
        with standing_at(order.decided_at if run.is_simulated else wall_now()):
            if not _order_settle(run, order):
                unsettled.add(order.instrument_id)
    return unsettled


def _order_settle(run: OrderRun, order: Order) -> bool:
    if order.status == OrderStatus.SENDING:
        with run.lease_kept():
            order_mark_unknown(
                order=order, reason="the worker that sent it ended before the answer"
            )
        order.refresh_from_db()
    if order.status == OrderStatus.UNKNOWN and not _unknown_resolve(run, order):
        return False
    order.refresh_from_db()
    if order.status != OrderStatus.INTENT:
        return True
    if not run.is_fresh(order.decided_at):
        with run.lease_kept():
            order_end_unsent(order=order, reason="its signal is stale; it was never sent")
        return True
    return order_send(run=run, order=order)


def _unknown_resolve(run: OrderRun, order: Order) -> bool:
    """Look an order up; True when the truth is known."""
    try:
        report = run.gateway.order_find(
            client_order_id=order.client_order_id, symbol=order.instrument.symbol
        )
    except BrokerError as error:
        # A failed read says nothing about the order: it stays UNKNOWN and is asked for again
        order_look_up_note(order=order, answer=f"{type(error).__name__}: {error}")
        return False
    has_it = "it has no such order" if report is None else f"it has it, {report.status.value}"
    order_look_up_note(order=order, answer=has_it)
    if report is not None:
        return report_take_in(account=run.account, report=report)
    window = run.gateway.capabilities.absence_window_seconds
    if window is None:
        return _absence_prove(run, order)
    if order.unknown_since is None:
        return False
    if wall_now() - order.unknown_since < timedelta(seconds=window):
        return False
    reason = f"the venue has not known it for {window:g} seconds"
    return _absence_note(run, order, order_absence_record, reason)


def _absence_note(run: OrderRun, order: Order, record: Callable[..., None], reason: str) -> bool:
    try:
        with run.lease_kept():
            record(order=order, reason=reason)
    except IllegalTransition as passed:
        # While we looked, a report that another process took in has told the truth
        return passed.current not in UNRESOLVED
    return True


def _absence_prove(run: OrderRun, order: Order) -> bool:
    """End an order that its venue can prove to have never had; it is never sent again."""
    if not isinstance(run.gateway, AbsenceProver):
        return False
    try:
        evidence = run.gateway.order_absence_evidence(
            client_order_id=order.client_order_id, symbol=order.instrument.symbol
        )
    except BrokerError:
        return False
    if evidence is None:
        return False
    return _absence_note(run, order, order_absent_end, evidence)
