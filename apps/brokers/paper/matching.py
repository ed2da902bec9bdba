"""Plays bars against the paper venue's open orders."""

from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Sum

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperOrder, PaperReport
from apps.brokers.paper.book import order_close
from apps.brokers.paper.meeting import Session, order_play
from apps.brokers.paper.terms import IMMEDIATE
from apps.brokers.selectors import RESTING, WaitingOrder, paper_orders_waiting
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.services import bar_quote_record
from apps.orders.domain.fill_rules import FillTerms, order_meet, volume_available
from apps.orders.domain.states import OrderStatus

_ZERO = Decimal(0)
# Plain SQL: most bars do nothing but this, and composing the statement costs more than running it
_BAR_MET = """
UPDATE brokers_paperorder SET matched_until = %s, has_rested = TRUE
WHERE id = ANY(%s) AND status IN ('NEW', 'PARTIALLY_FILLED') AND matched_until <= %s
"""


def market_play(*, account: TradingAccount, instrument: Instrument, bar: Bar) -> bool:
    """Let the account's open orders meet a bar; playing a bar again changes nothing.

    An order meets only bars that opened when or after it was accepted, and before it expires.

    Returns:
        Whether any order met the bar.
    """
    waiting = paper_orders_waiting(
        account_id=account.pk, instrument_id=instrument.pk, opened_at=bar.open_at
    )
    if not waiting:
        return False
    free = _free_terms(instrument)
    if any(_is_touched(order, bar, free) for order in waiting):
        _orders_meet(account=account, instrument=instrument, bar=bar)
    else:
        _orders_pass([order.order_id for order in waiting], bar)
    return True


def _is_touched(order: WaitingOrder, bar: Bar, terms: FillTerms) -> bool:
    """Tell whether a bar does anything to an order but pass."""
    if order.time_in_force in IMMEDIATE:
        return True
    if order.expires_at is not None and order.expires_at <= bar.close_at:
        return True
    before = order.resting
    meeting = order_meet(before, bar, terms)
    return (
        meeting.fill is not None
        or meeting.takes_liquidity
        or meeting.is_triggered != before.is_triggered
        or meeting.best_price != before.best_price
    )


def _orders_pass(order_ids: list[int], bar: Bar) -> None:
    """Note that orders have met a bar that did not reach them; one that ended meanwhile stays."""
    with connection.cursor() as cursor:
        cursor.execute(_BAR_MET, [bar.close_at, order_ids, bar.open_at])


def _orders_meet(*, account: TradingAccount, instrument: Instrument, bar: Bar) -> None:
    """Fill, move or end what the bar reaches; its open is what the market shows at that moment."""
    waiting = PaperOrder.objects.filter(
        book__account=account,
        instrument=instrument,
        status__in=RESTING,
        matched_until__lte=bar.open_at,
    )
    with transaction.atomic():
        book = PaperBook.objects.select_for_update().get(account=account)
        bar_quote_record(instrument=instrument, price=bar.open, at=bar.open_at)
        terms = _terms(book, instrument)
        session = Session(
            book=book,
            instrument=instrument,
            bar=bar,
            terms=terms,
            volume_left=_volume_left(book, instrument, bar, terms),
        )
        # At the open, orders to enter and leave come before the exits that protect a position;
        # of the exits the stop comes before the target, which is the worse order for us
        entries = list(waiting.filter(parent=None).order_by("pk"))
        _expire(entries, until=bar.open_at)
        for order in entries:
            if order.status in RESTING:
                order_play(session, order)
        for order in waiting.filter(parent__isnull=False).order_by("role", "pk"):
            order.refresh_from_db()  # its sibling may have ended it on this bar
            if order.status in RESTING and order.matched_until <= bar.open_at:
                order_play(session, order)
        _expire(entries, until=bar.close_at)  # no bar to come opens before their end


def _expire(orders: list[PaperOrder], *, until: datetime) -> None:
    for order in orders:
        if order.expires_at is None or order.expires_at > until:
            continue
        order.refresh_from_db(fields=["status"])  # one of its exits may have ended it
        if order.status in RESTING:
            order_close(
                order, OrderStatus.EXPIRED, at=order.expires_at, text="its time in force ended"
            )


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
    taken = executions.aggregate(total=Sum("fill_quantity"))["total"] or _ZERO
    return max(available - taken, _ZERO)


def _free_terms(instrument: Instrument) -> FillTerms:
    """Whether a bar reaches an order does not depend on what the venue takes for an execution."""
    return FillTerms(
        fee_bps=_ZERO,
        slippage_bps=_ZERO,
        volume_cap_ratio=_ZERO,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        multiplier=instrument.multiplier,
    )


def _terms(book: PaperBook, instrument: Instrument) -> FillTerms:
    return FillTerms(
        fee_bps=book.fee_bps,
        slippage_bps=book.slippage_bps,
        volume_cap_ratio=book.volume_cap_ratio,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        multiplier=instrument.multiplier,
    )
