"""Takes in what a venue has executed, once each."""

from dataclasses import replace
from decimal import Decimal, localcontext

from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.core.money import SMALLEST, plain, stored
from apps.orders.domain.states import (
    FINAL,
    OrderStatus,
    ReportContradicts,
    status_after_fill,
)
from apps.orders.domain.types import FillReport
from apps.orders.models import Fill, Order
from apps.orders.services.amending import amended_quantity
from apps.orders.services.events import order_event_add
from apps.orders.services.exits import exits_follow
from apps.orders.services.freezes import freeze_release_for
from apps.orders.services.reports import order_reported, reported_amount

S = OrderStatus
_EXACT_DIGITS = 60
_TRADE_ID_LENGTH = 64


@transaction.atomic
def fill_record(*, account: TradingAccount, report: FillReport) -> tuple[Fill, bool]:
    """Record an execution and advance its order.

    Returns:
        The fill, and whether it is new. Repeating a report returns the first recording.

    Raises:
        OrderNotFound: No order of the account has the client order id.
        ReportContradicts: The report cannot be true of the order; nothing is written.
        Overfill, IllegalTransition: The order cannot take this fill; nothing is written.
    """
    order = order_reported(account=account, report=report)
    execution = _report_clean(report)
    if known := Fill.objects.filter(order=order, trade_id=report.trade_id).first():
        _same_require(known, execution)
        return known, False
    before = order.status
    _order_advance(order, execution)
    fill = _fill_store(order, execution)
    order_event_add(
        order=order,
        kind="order.filled" if order.status == S.FILLED else "order.partially_filled",
        status_before=before,
        occurred_at=report.executed_at,
        details={
            "trade_id": report.trade_id,
            "quantity": plain(fill.quantity),
            "price": plain(fill.price),
        },
    )
    freeze_release_for(order=order)
    exits_follow(entry=order, has_filled=True, occurred_at=report.executed_at)
    return fill, True


def _report_clean(report: FillReport) -> FillReport:
    """Return the report with its amounts as they are stored."""
    if not 0 < len(report.trade_id) <= _TRADE_ID_LENGTH:
        raise ReportContradicts(
            f"the venue reports a trade id of {len(report.trade_id)} characters, expected 1 to "
            f"{_TRADE_ID_LENGTH}; without it a fill cannot be told from its repetition"
        )
    return replace(
        report,
        quantity=reported_amount("fill quantity", report.quantity, least=SMALLEST),
        price=reported_amount("fill price", report.price, least=SMALLEST),
        commission=reported_amount("commission", report.commission),
    )


def _same_require(known: Fill, report: FillReport) -> None:
    """Refuse a repetition that tells of another execution than the first recording."""
    if (known.quantity, known.price) != (report.quantity, report.price):
        raise ReportContradicts(
            f"trade {report.trade_id} is recorded as {plain(known.quantity)} at "
            f"{plain(known.price)}; the venue reports it again as {plain(report.quantity)} at "
            f"{plain(report.price)}"
        )


def _order_advance(order: Order, report: FillReport) -> None:
    """Count the execution in its order and save it."""
    filled = order.filled_quantity + report.quantity
    # A fill beyond the old quantity proves that a larger one, asked for, is in force
    quantity = amended_quantity(order)
    status = status_after_fill(S(order.status), quantity=quantity, filled_quantity=filled)
    if filled > order.quantity:
        order.quantity = quantity
    order.average_fill_price = _average_price(order, report)
    order.filled_quantity = filled
    order.status = status.value
    order.unknown_since = None
    if status in FINAL:
        order.closed_at = report.executed_at
    if not order.venue_order_id:
        order.venue_order_id = report.venue_order_id
    order.save()


def _average_price(order: Order, report: FillReport) -> Decimal:
    """Return the average over all fills: carried on from average to average it would drift."""
    earlier = order.fills.values_list("quantity", "price") if order.filled_quantity else ()
    executions = [*earlier, (report.quantity, report.price)]
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        notional = sum(quantity * price for quantity, price in executions)
        return stored(Decimal(notional) / sum(quantity for quantity, _ in executions))


def _fill_store(order: Order, report: FillReport) -> Fill:
    return Fill.objects.create(
        order=order,
        trade_id=report.trade_id,
        side=report.side.value,
        quantity=report.quantity,
        price=report.price,
        commission=report.commission,
        commission_currency=report.commission_currency,
        executed_at=report.executed_at,
    )
