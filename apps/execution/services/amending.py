"""Sends new terms of a working order at once, and never late: a change that had to wait is refused.

The price that a person changed an order to is one of that moment. Halted trading, a kill switch or
a dead worker may hold the change back; when that is over the market is another one.
"""

from datetime import datetime
from decimal import Decimal

from apps.core.clock import wall_now
from apps.execution.selectors import amending_forbidden
from apps.execution.services.runs import ORDER_LIFE, OrderRun
from apps.orders.domain.ports import (
    AuthenticationFailed,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.types import OrderAmendment
from apps.orders.models import Order
from apps.orders.selectors import amendment_asked_at, amendment_has_gone_out
from apps.orders.services import (
    AmendmentRefused,
    order_amend_refuse,
    order_amend_request,
    order_amend_sending_note,
)
from apps.reconciliation.services import report_take_in

_ASK_AGAIN = "the order works on as it was; ask for the change again if you still want it"


def order_amend(
    *,
    run: OrderRun,
    order: Order,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    reason: str,
) -> None:
    """Ask the venue for new terms of a working order.

    Raises:
        LeaseLost: Another worker acts; nothing was asked.
        AmendmentRefused: The order cannot be changed so, or a kill switch holds it; nothing was
            asked.
    """
    with run.lease_kept():
        if forbidden := amending_forbidden(order=order):
            raise AmendmentRefused(f"order {order} is not changed: {forbidden}")
        asked = order_amend_request(
            order=order,
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            reason=reason,
        )
        order_amend_sending_note(order=asked)
    amendment_send(run=run, order=asked, is_first=True)


def amendment_settle(*, run: OrderRun, order: Order) -> None:
    """Bring an amendment that the venue has not confirmed one step further.

    New terms go out at once or not at all: what trading barred, or no worker could send in time,
    is refused, and the order works on as it was. Where they have perhaps gone out, they are sent
    again while that is allowed and fresh; afterwards the venue's own word settles it.

    Raises:
        LeaseLost: Another worker works the account; nothing was asked.
        BrokerError: The venue cannot be read.
    """
    with run.lease_kept():
        barred = amending_forbidden(order=order) or _stale(run, amendment_asked_at(order))
        has_gone_out = amendment_has_gone_out(order)
        if barred is not None and not has_gone_out:
            order_amend_refuse(order=order, reason=f"never sent: {barred}; {_ASK_AGAIN}")
            return
        if not has_gone_out:
            order_amend_sending_note(order=order)
    if barred is None:
        amendment_send(run=run, order=order, is_first=not has_gone_out)
    else:
        _amendment_look_up(run, order, barred)


def _stale(run: OrderRun, asked_at: datetime) -> str | None:
    if run.is_fresh(asked_at):
        return None
    return f"no worker could send it within {ORDER_LIFE.total_seconds():g} seconds"


def _amendment_look_up(run: OrderRun, order: Order, barred: str) -> None:
    """Settle terms that have perhaps gone out by what the venue shows.

    It counts as never arrived once the venue shows the old terms after the time that an order may
    wait for its sending; before that it may still be on its way.
    """
    report = run.gateway.order_find(
        client_order_id=order.client_order_id, symbol=order.instrument.symbol
    )
    if report is None or not report_take_in(account=run.account, report=report):
        return
    if wall_now() - amendment_asked_at(order) < ORDER_LIFE:
        return
    with run.lease_kept():
        order_amend_refuse(
            order=order,
            reason=f"the venue has not taken it, and it is not sent again: {barred}; {_ASK_AGAIN}",
        )


def amendment_send(*, run: OrderRun, order: Order, is_first: bool) -> None:
    """Send the terms that an order in PENDING_REPLACE waits for; sending them again is harmless.

    Where the outcome is not known, the order stays PENDING_REPLACE and is asked about later.

    Args:
        is_first: They cannot have gone out before. Else what a failure says of this sending says
            nothing of the earlier one, whose terms may be in force.
    """
    terms = {name: Decimal(value) for name, value in (order.amendment or {}).items()}
    amendment = OrderAmendment(
        client_order_id=order.client_order_id, symbol=order.instrument.symbol, **terms
    )
    try:
        report = run.gateway.order_amend(amendment)
    except Rejected as refusal:
        if is_first:
            order_amend_refuse(order=order, reason=str(refusal), code=refusal.code)
        else:
            _amendment_look_up(run, order, str(refusal))
    except (Throttled, Unavailable, AuthenticationFailed) as error:
        if is_first:
            order_amend_refuse(order=order, reason=f"{type(error).__name__}: {error}")
    except OutcomeUnknown:
        return
    else:
        report_take_in(account=run.account, report=report)
