"""Sends, finds, amends and cancels one order; every answer is checked against the venue's lists.

Bybit's answer to an order says only that it was taken in. What became of it stands in its lists:
working orders first, then the history, which may lag, then the executions.
"""

import time
from dataclasses import replace
from decimal import Decimal

from apps.brokers.bybit.codes import CodeRefused, Meaning, refusal_error
from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.listing import single
from apps.brokers.bybit.rows import ExecutionRow, OrderRow, execution_row, order_row
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import VenueSymbol
from apps.brokers.bybit.terms import Params
from apps.brokers.bybit.wire import Body, Garbled, identity, rows
from apps.core.clock import wall_now
from apps.orders.domain.ports import BrokerError, OutcomeUnknown, Rejected, Unavailable
from apps.orders.domain.states import FINAL, OrderStatus
from apps.orders.domain.types import OrderAmendment, OrderReport, OrderRequest

S = OrderStatus
LOOKS_AFTER_SECONDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
"""When what was taken in is looked for: the venue works it off a moment after its answer."""

_UNSETTLED = frozenset({Meaning.MISSING, Meaning.ENDED})


def order_send(
    session: BybitSession, venue: VenueSymbol, request: OrderRequest, params: Params
) -> OrderReport:
    """Send an order once and return where it stands.

    An id that the venue has already taken is looked up instead: nothing is sent again.

    Raises:
        BrokerError: One of the five meanings.
    """
    try:
        venue_order_id = session.call(
            Ask.CREATE, lambda result: _taken_in(result, request.client_order_id), **params
        )
    except CodeRefused as refused:
        if refused.meaning is Meaning.DUPLICATE:
            return _known_already(session, venue, request.client_order_id)
        raise refusal_error(refused, writes=True) from None
    for seconds in LOOKS_AFTER_SECONDS[:4]:
        time.sleep(seconds)
        found = _standing_or_none(session, venue, request.client_order_id)
        if found is not None and found.report.venue_order_id == venue_order_id:
            return found.report
    return OrderReport(
        client_order_id=request.client_order_id,
        venue_order_id=venue_order_id,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=S.PENDING_NEW,
        filled_quantity=Decimal(0),
        occurred_at=wall_now(),
        stop_price=request.stop_price,
        limit_price=request.limit_price,
    )


def _taken_in(result: Body, client_order_id: str) -> str:
    if result.get("orderLinkId") != client_order_id:
        raise Garbled(f"sent order {client_order_id}, answered about another")
    return identity(result, "orderId")


def _known_already(session: BybitSession, venue: VenueSymbol, client_order_id: str) -> OrderReport:
    try:
        report = order_look_up(session, venue, client_order_id)
    except BrokerError as error:
        raise OutcomeUnknown(
            f"Bybit has had an order with the id {client_order_id}, and it cannot be looked up: "
            f"{error}"
        ) from None
    if report is None:
        raise OutcomeUnknown(f"Bybit refuses the id {client_order_id} as used and does not find it")
    return report


def _standing_or_none(
    session: BybitSession, venue: VenueSymbol, client_order_id: str
) -> OrderRow | None:
    """Return the order of an acknowledged request, or None where it cannot be seen yet."""
    try:
        return order_row_find(session, venue, client_order_id)
    except BrokerError:
        return None  # it was taken in; what became of it comes with the next reports


def order_row_find(
    session: BybitSession, venue: VenueSymbol, client_order_id: str
) -> OrderRow | None:
    """Return an order from the working ones, or else from the history."""
    for ask in (Ask.ORDERS, Ask.HISTORY):
        found = session.ask(
            ask,
            lambda result: single(
                [order_row(row, venue.category) for row in rows(result)],
                client_order_id=client_order_id,
                venue_code=venue.code,
            ),
            category=venue.category,
            symbol=venue.code,
            orderLinkId=client_order_id,
        )
        if found is not None:
            return found
    return None


def order_look_up(
    session: BybitSession, venue: VenueSymbol, client_order_id: str
) -> OrderReport | None:
    """Return where an order stands; None only where no list of the venue's knows it.

    Raises:
        BrokerError: A list could not be read, or knows executions of an order that no other has.
    """
    found = order_row_find(session, venue, client_order_id)
    if found is not None:
        return found.report
    executions = session.ask(
        Ask.EXECUTIONS,
        lambda result: _executions(result, venue, client_order_id),
        category=venue.category,
        symbol=venue.code,
        orderLinkId=client_order_id,
    )
    return _filled_report(executions) if executions else None


def _executions(result: Body, venue: VenueSymbol, client_order_id: str) -> dict[str, ExecutionRow]:
    found = [execution_row(row, venue.category) for row in rows(result)]
    for row in found:
        if row is not None and row.report.client_order_id != client_order_id:
            raise Garbled(f"asked about executions of {client_order_id}, answered about others")
    return {row.report.trade_id: row for row in found if row is not None}


def _filled_report(executions: dict[str, ExecutionRow]) -> OrderReport:
    """Return an order that only its executions know; they must add up to it."""
    last = max(executions.values(), key=lambda row: row.executed_ms)
    filled = sum((row.report.quantity for row in executions.values()), Decimal(0))
    if filled != last.order_quantity:
        raise Unavailable(
            f"Bybit has executions of order {last.report.client_order_id} and does not list the "
            "order yet; ask again"
        )
    return OrderReport(
        client_order_id=last.report.client_order_id,
        venue_order_id=last.report.venue_order_id,
        symbol=last.report.symbol,
        side=last.report.side,
        quantity=last.order_quantity,
        status=S.FILLED,
        filled_quantity=filled,
        occurred_at=last.report.executed_at,
    )


def order_end(session: BybitSession, venue: VenueSymbol, client_order_id: str) -> OrderReport:
    """Ask to cancel an order and return where it stands; an ended one stays as it ended.

    Raises:
        Rejected: The venue does not know the order.
        BrokerError: Another of the five meanings.
    """
    params: Params = {
        "category": venue.category,
        "symbol": venue.code,
        "orderLinkId": client_order_id,
    }
    if venue.category == "spot":
        params["orderFilter"] = _spot_filter(session, venue, client_order_id)
    try:
        session.call(Ask.CANCEL, lambda result: _taken_in(result, client_order_id), **params)
    except CodeRefused as refused:
        if refused.meaning not in _UNSETTLED:
            raise refusal_error(refused, writes=True) from None
        return _ended(session, venue, client_order_id, refused)
    found = None
    for seconds in LOOKS_AFTER_SECONDS[:3]:
        time.sleep(seconds)
        found = _standing_or_none(session, venue, client_order_id)
        if found is not None and found.is_closed:
            return found.report
    if found is None:
        raise OutcomeUnknown(f"the cancel of {client_order_id} was taken in; its end is not seen")
    return replace(found.report, status=S.PENDING_CANCEL)


def _spot_filter(session: BybitSession, venue: VenueSymbol, client_order_id: str) -> str:
    """Return the list in which a spot order waits: Bybit cancels it only where it is named."""
    found = order_row_find(session, venue, client_order_id)
    return "StopOrder" if found is not None and found.is_conditional else "Order"


def _ended(
    session: BybitSession, venue: VenueSymbol, client_order_id: str, refused: CodeRefused
) -> OrderReport:
    """Return how an order ended that the venue will not cancel or change."""
    report = order_look_up(session, venue, client_order_id)
    if report is None:
        raise Rejected(
            f"Bybit does not know order {client_order_id} ({refused})", code=str(refused.code)
        )
    if report.status not in FINAL:
        raise OutcomeUnknown(
            f"Bybit says that {client_order_id} has ended ({refused}) and lists it as working"
        )
    return report


def order_change(
    session: BybitSession, venue: VenueSymbol, amendment: OrderAmendment, params: Params
) -> OrderReport:
    """Change a working order and return where it stands on its new terms.

    Raises:
        Rejected: It stays as it was.
        BrokerError: Another of the five meanings.
    """
    client_order_id = amendment.client_order_id
    try:
        session.call(Ask.AMEND, lambda result: _taken_in(result, client_order_id), **params)
    except CodeRefused as refused:
        return _change_refused(session, venue, amendment, refused)
    for seconds in LOOKS_AFTER_SECONDS:
        time.sleep(seconds)
        found = _standing_or_none(session, venue, client_order_id)
        if found is not None and (found.is_closed or _has_terms(found.report, amendment)):
            return found.report
    raise OutcomeUnknown(f"the change of {client_order_id} was taken in; it is not seen to work")


def _change_refused(
    session: BybitSession, venue: VenueSymbol, amendment: OrderAmendment, refused: CodeRefused
) -> OrderReport:
    if refused.meaning in _UNSETTLED:
        report = _ended(session, venue, amendment.client_order_id, refused)
        raise Rejected(
            f"order {amendment.client_order_id} is {report.status}, so it cannot be changed "
            f"({refused})",
            code=str(refused.code),
        )
    if refused.meaning is Meaning.FINAL:
        # The same change sent again is refused as none: then it is in force already
        found = _standing_or_none(session, venue, amendment.client_order_id)
        if found is not None and not found.is_closed and _has_terms(found.report, amendment):
            return found.report
    raise refusal_error(refused, writes=True)


def _has_terms(report: OrderReport, amendment: OrderAmendment) -> bool:
    return all(
        asked is None or asked == standing
        for asked, standing in (
            (amendment.quantity, report.quantity),
            (amendment.limit_price, report.limit_price),
            (amendment.stop_price, report.stop_price),
        )
    )
