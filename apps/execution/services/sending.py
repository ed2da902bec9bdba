"""Sends an order once: claimed and committed first, then the socket, then what the venue said."""

import time

from django.conf import settings

from apps.core.clock import now
from apps.core.rows import rows_of
from apps.execution.selectors import sending_forbidden, sending_waits
from apps.execution.services.runs import OrderRun
from apps.orders.domain.ports import (
    AuthenticationFailed,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.states import FINAL, IllegalTransition
from apps.orders.domain.types import (
    AttachedExit,
    OrderRequest,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from apps.orders.models import Order, OrderQuote
from apps.orders.services import (
    order_abandon,
    order_cancel_request,
    order_claim,
    order_mark_unknown,
    order_quote_record,
    order_reject,
    order_return_unsent,
)
from apps.reconciliation.models import Break
from apps.reconciliation.services import break_open, report_take_in


def order_send(*, run: OrderRun, order: Order) -> bool:
    """Send an INTENT order, if this worker is the one to send it and nothing speaks against it.

    Returns:
        Whether the order is settled: the venue has answered, or it was abandoned. False: nothing
        was sent for certain (it stays INTENT), or nobody knows (it is UNKNOWN and its instrument
        frozen).

    Raises:
        LeaseLost: Another worker runs the deployment; nothing was sent.
    """
    began = time.monotonic()
    with run.lease_kept():
        if reason := sending_forbidden(order=order):
            order_end_unsent(order=order, reason=reason)
            return True
        must_wait = sending_waits(order=order, since=run.desk_started_at)
        if must_wait or not order_claim(order=order, epoch=run.epoch):
            return False
        order_quote_record(order=order, moment=OrderQuote.Moment.SUBMIT)
    if time.monotonic() - began > settings.LEASE_SECONDS / 2:
        # Another worker may take over soon, and find out that this order was never sent
        return _claim_give_back(order)
    return _claimed_send(run, order)


def _claim_give_back(order: Order) -> bool:
    """Return an order that this worker claimed and never sent; one that has ended stays so."""
    try:
        order_return_unsent(order=order, reason="the worker stood still before it could send")
    except IllegalTransition as passed:
        if passed.current not in FINAL:
            raise
        return True
    return False


def order_end_unsent(*, order: Order, reason: str) -> None:
    """Cancel an order that was never sent; one that a kill switch has ended meanwhile stays so.

    Raises:
        IllegalTransition: It was claimed for sending.
    """
    try:
        order_abandon(order=order, reason=reason)
    except IllegalTransition as passed:
        if passed.current not in FINAL:
            raise


def _claimed_send(run: OrderRun, order: Order) -> bool:
    """Write to the socket, and record what came back or that nobody knows."""
    try:
        report = run.gateway.order_place(_request(run, order))
    except Rejected as refusal:
        _rejection_record(order, refusal)
        return True
    except (Throttled, Unavailable, AuthenticationFailed) as error:
        order_return_unsent(order=order, reason=f"{type(error).__name__}: {error}")
        return False
    except OutcomeUnknown as error:
        order_mark_unknown(order=order, reason=str(error))
        return False
    if report_take_in(account=run.account, report=report):
        return True
    order_mark_unknown(order=order, reason="the venue's answer cannot be true; see its break")
    return False


def _rejection_record(order: Order, refusal: Rejected) -> None:
    """Record a final refusal; where the order is known to live, the two make a break."""
    try:
        order_reject(order=order, code=refusal.code, reason=str(refusal))
    except IllegalTransition as contradiction:
        break_open(
            account=order.account,
            kind=Break.Kind.REPORT_REFUSED,
            key=f"{order.client_order_id}:REJECTED",
            description=f"the broker's refusal of order {order} was refused: {contradiction}",
            ours={"status": contradiction.current.value},
            theirs={"code": refusal.code, "text": str(refusal)},
            instrument=order.instrument,
            order=order,
        )


def order_cancel(*, run: OrderRun, order: Order, reason: str) -> None:
    """Ask the venue to cancel an order. What comes of it arrives with the next intake.

    A cancel whose outcome is not known leaves the order PENDING_CANCEL; asking again is harmless.

    Raises:
        LeaseLost: Another worker runs the deployment; nothing was asked.
        BrokerError: The venue did not take the request.
    """
    with run.lease_kept():
        if not order_cancel_request(order=order, reason=reason):
            return
    run.gateway.order_cancel(client_order_id=order.client_order_id, symbol=order.instrument.symbol)


def order_cancel_again(*, run: OrderRun, order: Order) -> None:
    """Ask the venue once more to cancel an order that is PENDING_CANCEL; that is harmless.

    Raises:
        BrokerError: The venue did not take the request.
    """
    run.gateway.order_cancel(client_order_id=order.client_order_id, symbol=order.instrument.symbol)


_ATTACHED = """
SELECT client_order_id, role, distance_ratio FROM orders_order
WHERE parent_id = %(entry)s AND distance_ratio IS NOT NULL ORDER BY id
"""


def _request(run: OrderRun, order: Order) -> OrderRequest:
    time_in_force = TimeInForce(order.time_in_force)
    offered = run.gateway.capabilities.times_in_force
    if time_in_force not in offered:
        # The desk itself ends it at ``expires_at``; where none outlives its day, the venue does
        time_in_force = TimeInForce.GTC if TimeInForce.GTC in offered else TimeInForce.DAY
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        time_in_force=time_in_force,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_ratio=order.trail_ratio,
        expires_at=order.expires_at,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        as_of=order.sent_at or now(),
        attached=tuple(
            AttachedExit(
                client_order_id=client_order_id,
                role=OrderRole(role),
                distance_ratio=distance_ratio,
            )
            for client_order_id, role, distance_ratio in rows_of(_ATTACHED, {"entry": order.pk})
        ),
    )
