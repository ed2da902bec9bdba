"""The paper venue's books: executions, positions, cash, and the stream of reports about them."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Max

from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.core.money import ZERO, stored
from apps.marketdata.models import InstrumentKind
from apps.orders.domain.fill_rules import FillTerms, commission_for
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import Side

S = OrderStatus


def execution_book(
    *,
    book: PaperBook,
    order: PaperOrder,
    quantity: Decimal,
    price: Decimal,
    terms: FillTerms,
    at: datetime,
    trade_id: str,
) -> None:
    """Execute ``quantity`` units of an order: order, position, cash and report together.

    The caller has the book's row locked.
    """
    commission = stored(commission_for(quantity=quantity, price=price, terms=terms))
    order.filled_quantity += quantity
    order.filled_notional += quantity * price
    is_full = order.filled_quantity == order.quantity
    order.status = (S.FILLED if is_full else S.PARTIALLY_FILLED).value
    order.updated_at = at
    order.save()
    result = _position_move(
        book, order, signed=Side(order.side).sign * quantity, price=price, terms=terms
    )
    book.cash = stored(book.cash + result - commission)
    book.save(update_fields=["cash"])
    order_report_add(
        order, at=at, trade_id=trade_id, quantity=quantity, price=price, commission=commission
    )


def _position_move(
    book: PaperBook, order: PaperOrder, *, signed: Decimal, price: Decimal, terms: FillTerms
) -> Decimal:
    """Move the venue's position and return the change of cash before commission."""
    position, _ = PaperPosition.objects.get_or_create(book=book, instrument=order.instrument)
    held, entry = position.quantity, position.average_entry_price
    closed = min(abs(held), abs(signed)) if held * signed < 0 else ZERO
    pnl = closed * (price - entry) * (1 if held > 0 else -1) * terms.multiplier
    position.quantity = held + signed
    if position.quantity == 0:
        position.average_entry_price = ZERO
    elif held * signed >= 0:
        total = abs(held) * entry + abs(signed) * price
        position.average_entry_price = stored(total / abs(position.quantity))
    elif position.quantity * signed > 0:
        position.average_entry_price = price
    position.save()
    if order.instrument.kind == InstrumentKind.PERPETUAL:
        return pnl
    return -signed * price * terms.multiplier


def order_close(order: PaperOrder, status: OrderStatus, *, at: datetime, text: str) -> None:
    """End an order without further execution, and the exits that wait for it."""
    order.status = status.value
    order.updated_at = at
    order.save(update_fields=["status", "updated_at"])
    order_report_add(order, at=at, text=text)
    if order.filled_quantity == 0:
        for waiting in order.attached.filter(status=S.PENDING_NEW.value).order_by("pk"):
            order_close(waiting, S.CANCELED, at=at, text="the entry ended unfilled")


def order_report_add(
    order: PaperOrder,
    *,
    at: datetime,
    text: str = "",
    trade_id: str = "",
    quantity: Decimal | None = None,
    price: Decimal | None = None,
    commission: Decimal | None = None,
) -> None:
    """Append to the stream of reports; the book's row lock keeps the sequence without gaps."""
    latest = PaperReport.objects.filter(book=order.book_id).aggregate(latest=Max("sequence"))
    PaperReport.objects.create(
        book_id=order.book_id,
        sequence=(latest["latest"] or 0) + 1,
        order=order,
        status=order.status,
        order_quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trade_id=trade_id,
        fill_quantity=quantity,
        fill_price=price,
        commission=commission,
        occurred_at=at,
        text=text,
    )
