"""The paper venue's books: executions, positions, cash, and the stream of reports about them."""

from datetime import datetime
from decimal import Decimal, localcontext

from django.db.models import Max

from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.core.money import ZERO, stored
from apps.marketdata.models import InstrumentKind
from apps.orders.domain.fill_rules import FillTerms, commission_for
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import Side

S = OrderStatus
_EXACT_DIGITS = 60  # products keep every digit until they are rounded once, at the end


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
    order.filled_notional = stored(order.filled_notional + quantity * price)
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
    with localcontext() as exact:
        exact.prec = _EXACT_DIGITS
        pnl = _closed_result(position, signed=signed, price=price, terms=terms)
        position.average_entry_price = _average_entry(position, signed=signed, price=price)
        paid = stored(signed * price * terms.multiplier)
    position.quantity += signed
    position.save()
    return pnl if order.instrument.kind == InstrumentKind.PERPETUAL else -paid


def _closed_result(
    position: PaperPosition, *, signed: Decimal, price: Decimal, terms: FillTerms
) -> Decimal:
    """Return what the part of a position that an execution closes has earned."""
    held = position.quantity
    if held * signed >= 0:
        return ZERO
    closed = min(abs(held), abs(signed)).copy_sign(held)
    return stored(closed * (price - position.average_entry_price) * terms.multiplier)


def _average_entry(position: PaperPosition, *, signed: Decimal, price: Decimal) -> Decimal:
    """Return the entry price after an execution: averaged, kept, or new where it turned."""
    held, after = position.quantity, position.quantity + signed
    if after == 0:
        return ZERO
    if held * signed >= 0:
        total = abs(held) * position.average_entry_price + abs(signed) * price
        return stored(total / abs(after))
    return price if after * signed > 0 else position.average_entry_price


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
