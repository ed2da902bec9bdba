"""Keeps what the broker's books showed as reports in one sequence, so that no cursor loses a fill.

The books hold the current day and no history of changes. Each reading is compared with what is
kept, and what is new is added in one transaction; readers page through the sequence.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import TradingAccount
from apps.brokers.angelone.rows import VenueOrder, VenueTrade
from apps.brokers.angelone.words import CURRENCY, in_india
from apps.brokers.models import AngelOneBook, AngelOneReport, AngelOneSentOrder
from apps.core.money import ZERO
from apps.orders.domain.states import FINAL, OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, ReportPage, Side

PAGE = 200
_TERMS = ("status", "quantity", "filled_quantity", "limit_price", "stop_price")
_DAY_IS_OVER = (
    "its day is over: a day order ends with the session. The broker's book of that day was not "
    "read again, so fills of its last hours may be missing; the positions tell"
)


@transaction.atomic
def journal_keep(
    *,
    account: TradingAccount,
    orders: Sequence[OrderReport],
    trades: Sequence[FillReport],
    read_began_at: datetime,
) -> None:
    """Add what a reading of both books showed for the first time.

    Args:
        orders: The whole order book of the day.
        trades: The whole trade book of the day.
        read_began_at: Machine time; an earlier reading than one that is kept adds trades alone.
    """
    AngelOneBook.objects.get_or_create(account=account)
    book = AngelOneBook.objects.select_for_update().get(account=account)
    is_newest = book.read_began_at is None or read_began_at >= book.read_began_at
    new = _changed(account, orders) if is_newest else []
    if is_newest:
        new += _days_over(account, {order.venue_order_id for order in orders}, read_began_at)
        book.read_began_at = read_began_at
    new += _untold(account, trades)
    for report in new:
        book.last_sequence += 1
        report.sequence = book.last_sequence
    AngelOneReport.objects.bulk_create(new)
    book.save(update_fields=["last_sequence", "read_began_at"])


def journal_is_fresh(*, account: TradingAccount, since: datetime) -> bool:
    """Tell whether a reading that began since then is kept."""
    return AngelOneBook.objects.filter(account=account, read_began_at__gte=since).exists()


def journal_page(*, account: TradingAccount, cursor: str) -> ReportPage:
    """Return the reports after a cursor."""
    rows = list(_after(account, cursor)[: PAGE + 1])
    page = rows[:PAGE]
    return ReportPage(
        reports=tuple(_reported(row) for row in page),
        cursor=str(page[-1].sequence) if page else cursor,
        has_more=len(rows) > PAGE,
    )


def journal_fills(*, account: TradingAccount, cursor: str) -> tuple[list[FillReport], str]:
    """Return the trades after a cursor, and the cursor to go on from."""
    rows = list(_after(account, cursor).exclude(trade_id="")[:PAGE])
    return [_fill(row) for row in rows], str(rows[-1].sequence) if rows else cursor


def journal_has_page(*, account: TradingAccount, cursor: str) -> bool:
    """Tell whether more than a page waits, so that the broker need not be asked."""
    return _after(account, cursor)[PAGE : PAGE + 1].exists()


def journal_last(*, account: TradingAccount, venue_order_id: str) -> OrderReport | None:
    """Return the last that was seen of an order."""
    row = AngelOneReport.objects.filter(
        account=account, venue_order_id=venue_order_id, trade_id="", is_current=True
    ).first()
    return _order(row) if row else None


def bounded_stops(*, account: TradingAccount, orders: Iterable[VenueOrder]) -> set[str]:
    """Return the ids of those orders whose limit price is the adapter's own."""
    ids = [order.client_order_id for order in orders if order.stop_price is not None]
    if not ids:
        return set()
    sent = AngelOneSentOrder.objects.filter(
        account=account, client_order_id__in=ids, is_bounded_stop=True
    )
    return set(sent.values_list("client_order_id", flat=True))


def fills_named(
    trades: Iterable[VenueTrade], orders: Iterable[VenueOrder]
) -> tuple[list[FillReport], int]:
    """Return the trades under the ids of their orders.

    Returns:
        The fills, and how many trades belong to an order that the book does not show yet: the
        order was made after the book was read.
    """
    names = {order.venue_order_id: order.client_order_id for order in orders}
    fills, early = [], 0
    for trade in trades:
        client_order_id = names.get(trade.venue_order_id)
        if client_order_id is None:
            early += 1
            continue
        fills.append(
            FillReport(
                trade_id=trade.trade_id,
                client_order_id=client_order_id,
                venue_order_id=trade.venue_order_id,
                symbol=trade.symbol,
                side=trade.side,
                quantity=trade.quantity,
                price=trade.price,
                commission=ZERO,
                commission_currency=CURRENCY,
                executed_at=trade.executed_at,
            )
        )
    return fills, early


def _changed(account: TradingAccount, orders: Sequence[OrderReport]) -> list[AngelOneReport]:
    current = {
        row.venue_order_id: row
        for row in AngelOneReport.objects.filter(
            account=account,
            trade_id="",
            is_current=True,
            venue_order_id__in=[order.venue_order_id for order in orders],
        )
    }
    new, passed = [], []
    for order in sorted(orders, key=lambda order: order.venue_order_id):
        known = current.get(order.venue_order_id)
        if known is not None and not _says_more(order, known):
            continue
        if known is not None:
            passed.append(known.pk)
        new.append(_order_row(account, order))
    AngelOneReport.objects.filter(pk__in=passed).update(is_current=False)
    return new


def _says_more(order: OrderReport, known: AngelOneReport) -> bool:
    """Tell whether a row is news, and not an older look at the order."""
    if all(_plain(getattr(order, name)) == getattr(known, name) for name in _TERMS):
        return False
    if order.filled_quantity < (known.filled_quantity or ZERO):
        return False
    has_ended = OrderStatus(known.status) in FINAL
    return not (has_ended and order.status not in FINAL)


def _plain(value: object) -> object:
    return value.value if isinstance(value, OrderStatus) else value


def _days_over(
    account: TradingAccount, shown: set[str], read_began_at: datetime
) -> list[AngelOneReport]:
    """End the orders of past days that the book shows no more."""
    today = f"{in_india(read_began_at):%y%m%d}"
    rows = AngelOneReport.objects.filter(account=account, trade_id="", is_current=True).exclude(
        status__in=[status.value for status in FINAL]
    )
    new = []
    for row in rows:
        day = row.venue_order_id[:6]
        if row.venue_order_id in shown or not day.isdigit() or day >= today:
            continue
        row.is_current = False
        row.save(update_fields=["is_current"])
        row.pk = None
        row.is_current = True
        row.status = OrderStatus.EXPIRED.value
        row.text = _DAY_IS_OVER
        row.occurred_at = read_began_at
        new.append(row)
    return new


def _untold(account: TradingAccount, trades: Sequence[FillReport]) -> list[AngelOneReport]:
    told = set(
        AngelOneReport.objects.filter(
            account=account, trade_id__in=[trade.trade_id for trade in trades]
        ).values_list("trade_id", flat=True)
    )
    new = {}
    for trade in sorted(trades, key=lambda trade: (trade.executed_at, trade.trade_id)):
        if trade.trade_id not in told:
            new[trade.trade_id] = AngelOneReport(
                account=account,
                client_order_id=trade.client_order_id,
                venue_order_id=trade.venue_order_id,
                symbol=trade.symbol,
                side=trade.side.value,
                quantity=trade.quantity,
                price=trade.price,
                trade_id=trade.trade_id,
                occurred_at=trade.executed_at,
                is_current=False,
            )
    return list(new.values())


def _order_row(account: TradingAccount, order: OrderReport) -> AngelOneReport:
    return AngelOneReport(
        account=account,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=order.symbol,
        side=order.side.value,
        quantity=order.quantity,
        status=order.status.value,
        filled_quantity=order.filled_quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        text=order.text[:400],
        occurred_at=order.occurred_at,
    )


def _after(account: TradingAccount, cursor: str) -> QuerySet[AngelOneReport]:
    return AngelOneReport.objects.filter(account=account, sequence__gt=int(cursor or 0)).order_by(
        "sequence"
    )


def _reported(row: AngelOneReport) -> OrderReport | FillReport:
    return _fill(row) if row.trade_id else _order(row)


def _order(row: AngelOneReport) -> OrderReport:
    return OrderReport(
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        status=OrderStatus(row.status),
        filled_quantity=row.filled_quantity or ZERO,
        occurred_at=row.occurred_at,
        limit_price=row.limit_price,
        stop_price=row.stop_price,
        text=row.text,
    )


def _fill(row: AngelOneReport) -> FillReport:
    return FillReport(
        trade_id=row.trade_id,
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price or ZERO,
        commission=ZERO,
        commission_currency=CURRENCY,
        executed_at=row.occurred_at,
    )
