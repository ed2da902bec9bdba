"""One order at the paper venue and one bar: what the venue makes of their meeting."""

from dataclasses import dataclass
from decimal import Decimal

from apps.brokers.models import PaperBook, PaperOrder, PaperPosition
from apps.brokers.paper.book import execution_book, order_close, order_report_add
from apps.brokers.paper.terms import IMMEDIATE
from apps.brokers.selectors import RESTING
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import (
    FillMoment,
    FillTerms,
    Meeting,
    PriceMatch,
    RestingOrder,
    bar_rest,
    exit_price,
    order_meet,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, Side, TimeInForce

S = OrderStatus
_UNCONDITIONAL = (OrderType.MARKET, OrderType.LIMIT)
_MEETING_FIELDS = (
    *("matched_until", "is_triggered", "best_price", "stop_price", "has_rested", "updated_at"),
)


@dataclass(slots=True)
class Session:
    """One bar being played on one book: what it leaves for the orders still to come."""

    book: PaperBook
    instrument: Instrument
    bar: Bar
    terms: FillTerms
    volume_left: Decimal | None


def order_play(session: Session, order: PaperOrder, *, bar: Bar | None = None) -> None:
    """Let an order meet the session's bar, and fill, move or end it.

    Args:
        bar: The part of the session's bar that it meets; None: the whole.
    """
    meeting = order_meet(_resting(order), bar or session.bar, session.terms)
    _meeting_note(session, order, meeting)
    if meeting.takes_liquidity:
        _close(session, order, "post-only: it would have traded on arrival")
    elif _comes_too_late(order, meeting):
        _close(session, order, "nothing to fill against")
    elif meeting.fill is not None:
        _fill(session, order, meeting.fill)


def _resting(order: PaperOrder) -> RestingOrder:
    return RestingOrder(
        order_type=OrderType(order.order_type),
        side=Side(order.side),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_ratio=order.trail_ratio,
        best_price=order.best_price,
        is_triggered=order.is_triggered,
        has_rested=order.has_rested,
        post_only=order.post_only,
    )


def _meeting_note(session: Session, order: PaperOrder, meeting: Meeting) -> None:
    """Keep how an order goes on to the next bar, and report a stop price that has moved."""
    moved = meeting.stop_price != order.stop_price
    order.matched_until = session.bar.close_at
    order.is_triggered = meeting.is_triggered
    order.best_price = meeting.best_price
    order.stop_price = meeting.stop_price
    order.has_rested = True
    if moved:
        order.updated_at = session.bar.open_at
    order.save(update_fields=_MEETING_FIELDS)
    if moved:
        order_report_add(order, at=session.bar.open_at, text="the stop price moved")


def _comes_too_late(order: PaperOrder, meeting: Meeting) -> bool:
    """Tell whether an order that lives for a moment only found nothing when that came."""
    if order.time_in_force not in IMMEDIATE:
        return False
    if order.order_type not in _UNCONDITIONAL and not meeting.is_triggered:
        return False
    return meeting.fill is None or meeting.fill.is_maker


def _close(session: Session, order: PaperOrder, text: str) -> None:
    order_close(order, S.CANCELED, at=session.bar.open_at, text=text)


def _fill(session: Session, order: PaperOrder, match: PriceMatch) -> None:
    if order.parent_id is not None:
        _entry_end(session, order.parent_id)
    leaves = order.quantity - order.filled_quantity
    if order.reduce_only and order.parent_id is None:
        leaves = min(leaves, _reducible(session, order))
        if leaves == 0:
            _close(session, order, "nothing to reduce")
            return
    room = leaves if session.volume_left is None else min(leaves, session.volume_left)
    if order.time_in_force == TimeInForce.FOK and room < leaves:
        _close(session, order, "cannot be filled at once")
        return
    if room > 0:
        execution_book(
            book=session.book,
            order=order,
            quantity=room,
            price=match.price,
            terms=session.terms,
            at=session.bar.open_at,
            trade_id=f"{order.venue_order_id}-{int(session.bar.open_at.timestamp())}",
        )
        if session.volume_left is not None:
            session.volume_left -= room
        _after_fill(session, order, match)
        order.refresh_from_db(fields=["status"])  # an exit that was reached has ended it
    if order.time_in_force == TimeInForce.IOC and order.status in RESTING:
        _close(session, order, "the rest found no volume")


def _entry_end(session: Session, entry_id: int) -> None:
    """Cancel what is left of an entry once the market has reached one of its exits."""
    entry = PaperOrder.objects.get(pk=entry_id)
    if entry.status in RESTING:
        _close(session, entry, "the market reached one of its exits")


def _reducible(session: Session, order: PaperOrder) -> Decimal:
    """Return how many units an order may close before it would open or turn a position."""
    held = (
        PaperPosition.objects.filter(book=session.book, instrument=session.instrument)
        .values_list("quantity", flat=True)
        .first()
    ) or Decimal(0)
    return abs(held) if held * Side(order.side).sign < 0 else Decimal(0)


def _after_fill(session: Session, order: PaperOrder, match: PriceMatch) -> None:
    if order.parent_id is None:
        _exits_start(session, order, match)
        return
    at = session.bar.open_at  # names the bar: the path inside it is not known
    for sibling in PaperOrder.objects.filter(
        parent=order.parent_id, status__in=(S.PENDING_NEW.value, *RESTING)
    ).exclude(pk=order.pk):
        if order.status == S.FILLED:
            order_close(sibling, S.CANCELED, at=at, text="the other exit filled")
        else:
            left = order.quantity - order.filled_quantity
            sibling.quantity = sibling.filled_quantity + left
            sibling.save(update_fields=["quantity"])
            order_report_add(sibling, at=at)


def _exits_start(session: Session, entry: PaperOrder, match: PriceMatch) -> None:
    """Start or enlarge the attached exits, and let them meet the rest of the same bar.

    After an entry at the open, stop and target both see the whole bar. After an entry inside the
    bar only the stop does: whether the target was touched before or after is not known.
    """
    at = session.bar.open_at
    average = entry.filled_notional / entry.filled_quantity
    for exit_order in entry.attached.exclude(
        status__in=[S.CANCELED.value, S.FILLED.value]
    ).order_by("role", "pk"):
        exit_order.refresh_from_db()
        if exit_order.status not in (S.PENDING_NEW.value, *RESTING):
            continue
        price = exit_price(
            entry_side=Side(entry.side),
            role=OrderRole(exit_order.role),
            entry_price=average,
            distance_ratio=exit_order.distance_ratio or Decimal(0),
            tick_size=session.terms.tick_size,
        )
        is_stop = exit_order.role == OrderRole.STOP_LOSS
        exit_order.stop_price = price if is_stop else None
        exit_order.limit_price = None if is_stop else price
        exit_order.quantity = entry.filled_quantity
        if exit_order.status == S.PENDING_NEW:
            exit_order.status = S.NEW.value
        exit_order.updated_at = at
        exit_order.save()
        order_report_add(exit_order, at=at)
        if is_stop or match.moment is FillMoment.AT_OPEN:
            order_play(session, exit_order, bar=bar_rest(session.bar, match))
        else:
            exit_order.matched_until = session.bar.close_at
            exit_order.save(update_fields=["matched_until"])
