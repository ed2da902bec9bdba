"""Plays bars against the paper venue's open orders."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.brokers.paper.book import execution_book, order_close, order_report_add
from apps.brokers.selectors import RESTING, WaitingOrder, paper_orders_waiting
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import (
    FillMoment,
    FillTerms,
    PriceMatch,
    exit_price,
    price_match,
    volume_available,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, Side, TimeInForce

S = OrderStatus
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
# Whether a bar reaches an order does not depend on what the venue takes for an execution
_FREE = FillTerms(
    fee_bps=Decimal(0),
    slippage_bps=Decimal(0),
    volume_cap_ratio=Decimal(0),
    tick_size=Decimal(1),
    lot_size=Decimal(1),
    multiplier=Decimal(1),
)


@dataclass(slots=True)
class _Session:
    """One bar being played on one book: what it leaves for the orders still to come."""

    book: PaperBook
    instrument: Instrument
    bar: Bar
    terms: FillTerms
    volume_left: Decimal | None


def market_play(*, account: TradingAccount, instrument: Instrument, bar: Bar) -> bool:
    """Let the account's open orders meet a bar; playing a bar again changes nothing.

    An order meets only bars that opened when or after it was accepted.

    Returns:
        Whether any order met the bar.
    """
    waiting = paper_orders_waiting(
        account_id=account.pk, instrument_id=instrument.pk, opened_at=bar.open_at
    )
    if not waiting:
        return False
    if any(_is_touched(order, bar) for order in waiting):
        _orders_meet(account=account, instrument=instrument, bar=bar)
    else:
        _orders_pass([order.order_id for order in waiting], bar)
    return True


def _is_touched(order: WaitingOrder, bar: Bar) -> bool:
    """Tell whether a bar does anything to an order but pass."""
    reached = price_match(
        order_type=order.order_type,
        side=order.side,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        is_triggered=order.is_triggered,
        bar=bar,
        terms=_FREE,
    )
    return reached is not None or order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)


def _orders_pass(order_ids: list[int], bar: Bar) -> None:
    """Note that orders have met a bar that did not reach them; one that ended meanwhile stays."""
    PaperOrder.objects.filter(
        pk__in=order_ids, status__in=RESTING, matched_until__lte=bar.open_at
    ).update(matched_until=bar.close_at)


def _orders_meet(*, account: TradingAccount, instrument: Instrument, bar: Bar) -> None:
    waiting = PaperOrder.objects.filter(
        book__account=account,
        instrument=instrument,
        status__in=RESTING,
        matched_until__lte=bar.open_at,
    )
    with transaction.atomic():
        book = PaperBook.objects.select_for_update().get(account=account)
        terms = _terms(book, instrument)
        session = _Session(
            book=book,
            instrument=instrument,
            bar=bar,
            terms=terms,
            volume_left=_volume_left(book, instrument, bar, terms),
        )
        # At the open, orders to enter and leave come before the exits that protect a position;
        # of the exits the stop comes before the target, which is the worse order for us
        for order in waiting.filter(parent=None).order_by("pk"):
            _meet(session, order)
        for order in waiting.filter(parent__isnull=False).order_by("role", "pk"):
            order.refresh_from_db()  # its sibling may have ended it on this bar
            if order.status in RESTING and order.matched_until <= bar.open_at:
                _meet(session, order)


def _volume_left(
    book: PaperBook, instrument: Instrument, bar: Bar, terms: FillTerms
) -> Decimal | None:
    """Return what the bar still has for us: an order that came late meets it in a second round."""
    available = volume_available(bar=bar, terms=terms)
    if available is None:
        return None
    executions = PaperReport.objects.filter(
        book=book, order__instrument=instrument, occurred_at=bar.open_at
    ).exclude(trade_id="")
    taken = executions.aggregate(total=Sum("fill_quantity"))["total"] or Decimal(0)
    return max(available - taken, Decimal(0))


def _meet(session: _Session, order: PaperOrder) -> None:
    match = price_match(
        order_type=OrderType(order.order_type),
        side=Side(order.side),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        is_triggered=order.is_triggered,
        bar=session.bar,
        terms=session.terms,
    )
    order.matched_until = session.bar.close_at
    if match is not None and OrderType(order.order_type) is OrderType.STOP:
        order.is_triggered = True
    order.save(update_fields=["matched_until", "is_triggered"])
    if _comes_too_late(order, match):
        order_close(order, S.CANCELED, at=session.bar.open_at, text="nothing to fill against")
    elif match is not None:
        _fill(session, order, match)


def _comes_too_late(order: PaperOrder, match: PriceMatch | None) -> bool:
    """Tell whether an order that lives for a moment only found nothing at the bar's open."""
    if order.time_in_force not in _IMMEDIATE or order.order_type == OrderType.STOP:
        return False
    return match is None or match.moment is not FillMoment.AT_OPEN


def _fill(session: _Session, order: PaperOrder, match: PriceMatch) -> None:
    if order.parent_id is not None:
        _entry_end(session, order.parent_id)
    leaves = order.quantity - order.filled_quantity
    if order.reduce_only and order.parent_id is None:
        leaves = min(leaves, _reducible(session, order))
        if leaves == 0:
            order_close(order, S.CANCELED, at=session.bar.open_at, text="nothing to reduce")
            return
    room = leaves if session.volume_left is None else min(leaves, session.volume_left)
    if order.time_in_force == TimeInForce.FOK and room < leaves:
        order_close(order, S.CANCELED, at=session.bar.open_at, text="cannot be filled at once")
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
        order_close(order, S.CANCELED, at=session.bar.open_at, text="the rest found no volume")


def _entry_end(session: _Session, entry_id: int) -> None:
    """Cancel what is left of an entry once the market has reached one of its exits."""
    entry = PaperOrder.objects.get(pk=entry_id)
    if entry.status in RESTING:
        order_close(
            entry, S.CANCELED, at=session.bar.open_at, text="the market reached one of its exits"
        )


def _reducible(session: _Session, order: PaperOrder) -> Decimal:
    """Return how many units an order may close before it would open or turn a position."""
    held = (
        PaperPosition.objects.filter(book=session.book, instrument=session.instrument)
        .values_list("quantity", flat=True)
        .first()
    ) or Decimal(0)
    return abs(held) if held * Side(order.side).sign < 0 else Decimal(0)


def _after_fill(session: _Session, order: PaperOrder, match: PriceMatch) -> None:
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


def _exits_start(session: _Session, entry: PaperOrder, match: PriceMatch) -> None:
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
            _meet(session, exit_order)
        else:
            exit_order.matched_until = session.bar.close_at
            exit_order.save(update_fields=["matched_until"])


def _terms(book: PaperBook, instrument: Instrument) -> FillTerms:
    return FillTerms(
        fee_bps=book.fee_bps,
        slippage_bps=book.slippage_bps,
        volume_cap_ratio=book.volume_cap_ratio,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        multiplier=instrument.multiplier,
    )
