"""Takes in where a venue says that our orders stand."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import TradingAccount
from apps.core.money import SMALLEST, ZERO, AmountUnstorable, plain, stored
from apps.orders.domain.states import FINAL, TOLD_BY_VENUES, OrderStatus, ReportContradicts
from apps.orders.domain.types import FillReport, OrderReport, OrderType
from apps.orders.models import Order
from apps.orders.services.amending import amendment_follow
from apps.orders.services.events import order_event_add, order_locked_named, order_move
from apps.orders.services.exits import exits_follow
from apps.orders.services.freezes import freeze_release_for

S = OrderStatus
_PROGRESS = {S.PENDING_NEW: 0, S.NEW: 1, S.PARTIALLY_FILLED: 2}
_VENUE_ORDER_ID_LENGTH = 64
_TERMS_SET = "order.terms_set_by_venue"


class OrderNotFound(LookupError):
    """A venue reports an order that the account does not know."""


def order_reported(*, account: TradingAccount, report: OrderReport | FillReport) -> Order:
    """Return the order that a report is about, with its row locked.

    Raises:
        OrderNotFound: No order of the account has the client order id.
        ReportContradicts: The report is about another instrument or side than the order, or has
            a text that cannot be kept.
    """
    _texts_require(report)
    order = order_locked_named(account=account, client_order_id=report.client_order_id)
    if order is None:
        raise OrderNotFound(f"{account} has no order {report.client_order_id}")
    for name, ours, theirs in (
        ("instrument", order.instrument.symbol, report.symbol),
        ("side", order.side, report.side.value),
    ):
        if ours != theirs:
            raise ReportContradicts(
                f"order {order} has the {name} {ours}; the venue reports it with {theirs}"
            )
    return order


def _texts_require(report: OrderReport | FillReport) -> None:
    """Refuse a text that no column can hold, whether or not it would be written."""
    for name in report.__dataclass_fields__:
        text = getattr(report, name)
        if isinstance(text, str) and "\0" in text:
            raise ReportContradicts(f"the venue reports a {name} with a NUL character in it")
    if len(report.venue_order_id) > _VENUE_ORDER_ID_LENGTH:
        raise ReportContradicts(
            f"the venue reports an order id of {len(report.venue_order_id)} characters, expected "
            f"{_VENUE_ORDER_ID_LENGTH} at most"
        )


@transaction.atomic
def order_report_record(*, account: TradingAccount, report: OrderReport) -> Order:
    """Record where the venue says an order stands.

    Fills count only through ``fill_record``: a report of FILLED or PARTIALLY_FILLED here confirms
    that the venue has the order and leaves the quantities to the executions. A report that is
    older than what is known changes nothing.

    Raises:
        OrderNotFound: No order of the account has the client order id.
        ReportContradicts: The report cannot be true of the order; nothing is written.
        IllegalTransition: The state table refuses the step; nothing is written.
    """
    order = order_reported(account=account, report=report)
    if report.status not in TOLD_BY_VENUES:
        raise ReportContradicts(
            f"the venue reports {report.status} of order {order}; that only the desk can say"
        )
    reported_amount("quantity", report.quantity, least=SMALLEST)
    reported_amount("filled quantity", report.filled_quantity, least=ZERO)
    if amendment_follow(order=order, report=report):
        return order
    target = _target(order, report)
    _terms_take_over(order, report, saves=target is None)
    if target is not None:
        order_move(
            order=order,
            target=target,
            kind=_KINDS.get(target, "order.reported"),
            reason=report.text,
            occurred_at=report.occurred_at,
        )
    if order.status not in (S.UNKNOWN, S.SENDING, S.INTENT):
        freeze_release_for(order=order)
        exits_follow(
            entry=order,
            has_filled=order.filled_quantity > 0 or report.filled_quantity > 0,
            occurred_at=report.occurred_at,
        )
    return order


_KINDS = {
    S.PENDING_NEW: "order.acknowledged",
    S.NEW: "order.accepted",
    S.CANCELED: "order.canceled",
    S.REJECTED: "order.rejected",
    S.EXPIRED: "order.expired",
}


def reported_amount(name: str, number: Decimal, *, least: Decimal | None = None) -> Decimal:
    """Return a number of a report as it is stored.

    Args:
        name: What it is, for the sentence.
        least: The smallest that it can be; None: it may be negative.

    Raises:
        ReportContradicts: It is not finite, too large to store, or smaller than it can be.
    """
    try:
        amount = stored(number)
    except AmountUnstorable as unusable:
        raise ReportContradicts(f"the venue reports a {name} of {number}: {unusable}") from None
    if least is not None and amount < least:
        raise ReportContradicts(
            f"the venue reports a {name} of {plain(number)}; it is {plain(least)} or more"
        )
    return amount


def _target(order: Order, report: OrderReport) -> OrderStatus | None:
    """Return the status to move to, or None when the report says nothing new."""
    current, told = S(order.status), report.status
    if told in (S.FILLED, S.PARTIALLY_FILLED):
        told = S.NEW
    if current == told or (current in FINAL and told not in FINAL):
        return None
    if told in _PROGRESS and current in _PROGRESS and _PROGRESS[told] <= _PROGRESS[current]:
        return None
    if told in (S.NEW, S.PENDING_NEW) and current in (S.PENDING_CANCEL, S.PENDING_REPLACE):
        return None
    return told


def _terms_take_over(order: Order, report: OrderReport, *, saves: bool) -> None:
    """Keep the venue's order id, and what it alone decides.

    That is the price and size of an attached exit, and where a trailing stop stands.

    Args:
        saves: False where the order is saved right afterwards.
    """
    terms: dict[str, Decimal | str] = {}
    if report.venue_order_id and not order.venue_order_id:
        terms["venue_order_id"] = report.venue_order_id
    is_attached = order.distance_ratio is not None
    is_priced_by_venue = is_attached or order.order_type == OrderType.TRAILING_STOP
    if is_priced_by_venue and _is_newest(order, report):
        price = ("stop_price", report.stop_price), ("limit_price", report.limit_price)
        terms.update({name: stored(value) for name, value in price if value is not None})
        if is_attached:
            terms["quantity"] = stored(report.quantity)
    changed = {name: value for name, value in terms.items() if getattr(order, name) != value}
    if not changed:
        return
    for name, value in changed.items():
        setattr(order, name, value)
    if saves:
        order.save(update_fields=[*changed, "updated_at"])
    if set(changed) - {"venue_order_id"}:
        order_event_add(
            order=order,
            kind=_TERMS_SET,
            status_before=order.status,
            occurred_at=report.occurred_at,
            details={
                name: plain(value) if isinstance(value, Decimal) else value
                for name, value in changed.items()
            },
        )


def _is_newest(order: Order, report: OrderReport) -> bool:
    """Tell whether no later report has set the terms, nor a fill shown this one to be older."""
    if S(order.status) in FINAL or report.quantity < order.filled_quantity:
        return False
    latest: datetime | None = order.events.filter(kind=_TERMS_SET).aggregate(
        latest=Max("occurred_at")
    )["latest"]
    return latest is None or report.occurred_at >= latest
