"""The paper venue behind the broker port."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.brokers.paper.book import order_close, order_report_add
from apps.brokers.selectors import paper_reports_wait
from apps.core.clock import now
from apps.core.money import plain
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    AttachedExit,
    BalanceReport,
    BrokerCapabilities,
    FillReport,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderType,
    PositionReport,
    ReportPage,
    Side,
    TimeInForce,
)

S = OrderStatus
_OPEN = (S.NEW.value, S.PARTIALLY_FILLED.value)
_PAGE = 200
_CAPABILITIES = BrokerCapabilities(
    attached_exits=True,
    deduplicates=True,
    absence_window_seconds=2.0,
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}),
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
    amends=False,
    post_only=False,
)


@dataclass(frozen=True, slots=True)
class PaperGateway:
    """One account at the paper venue. All that it answers comes from the venue's own tables."""

    account: TradingAccount

    @property
    def capabilities(self) -> BrokerCapabilities:
        """The venue starts attached exits and refuses to take an id twice."""
        return _CAPABILITIES

    @transaction.atomic
    def order_place(self, request: OrderRequest) -> OrderReport:
        """Accept an order; the same client order id again returns the first acceptance.

        Raises:
            Rejected: The order breaks the instrument's rules, or the account has no book.
        """
        book = self._book_locked()
        known = PaperOrder.objects.filter(
            book=book, client_order_id=request.client_order_id
        ).select_related("instrument")
        if order := known.first():
            return _order_report(order)
        instrument = Instrument.objects.filter(symbol=request.symbol).first()
        if instrument is None or not instrument.is_tradable:
            raise Rejected(f"{request.symbol} is not traded here", code="SYMBOL")
        _terms_check(request, instrument)
        order = PaperOrder.objects.create(
            book=book,
            instrument=instrument,
            client_order_id=request.client_order_id,
            side=request.side.value,
            order_type=request.order_type.value,
            time_in_force=request.time_in_force.value,
            quantity=request.quantity,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            reduce_only=request.reduce_only,
            accepted_at=request.as_of,
            matched_until=request.as_of,
            updated_at=request.as_of,
        )
        order_report_add(order, at=request.as_of)
        for attached in request.attached:
            _attached_create(order, attached, at=request.as_of)
        return _order_report(order)

    @transaction.atomic
    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        """Cancel an open or waiting order; a closed one is reported as it stands.

        Raises:
            Rejected: The venue does not know the order.
        """
        book = self._book_locked()
        order = self._find(book, client_order_id)
        if order is None:
            raise Rejected(f"order {client_order_id} does not exist", code="NOT_FOUND")
        if order.status in (*_OPEN, S.PENDING_NEW.value):
            order_close(order, S.CANCELED, at=now(), text="canceled on request")
        return _order_report(order)

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        """Return where an order stands, open or closed."""
        order = self._find(self._book(), client_order_id)
        return _order_report(order) if order else None

    def order_list_open(self) -> list[OrderReport]:
        """Return the working orders, exits that wait for their entry included."""
        orders = PaperOrder.objects.filter(
            book__account=self.account, status__in=(*_OPEN, S.PENDING_NEW.value)
        ).select_related("instrument")
        self._book()
        return [_order_report(order) for order in orders]

    def reports_since(self, cursor: str) -> ReportPage:
        """Return up to 200 reports after ``cursor``."""
        if not paper_reports_wait(account_id=self.account.pk, after=int(cursor or 0)):
            return ReportPage(reports=(), cursor=cursor)
        rows = list(
            PaperReport.objects.filter(
                book__account=self.account, sequence__gt=int(cursor or 0)
            ).select_related("order__instrument", "book")[: _PAGE + 1]
        )
        page = rows[:_PAGE]
        reports: list[OrderReport | FillReport] = [
            _fill_report(row) if row.trade_id else _row_report(row) for row in page
        ]
        return ReportPage(
            reports=tuple(reports),
            cursor=str(page[-1].sequence) if page else cursor,
            has_more=len(rows) > _PAGE,
        )

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        """Return up to 200 executions after ``cursor`` and the cursor to go on from."""
        self._book()
        rows = list(
            PaperReport.objects.filter(book__account=self.account, sequence__gt=int(cursor or 0))
            .exclude(trade_id="")
            .select_related("order__instrument", "book")[:_PAGE]
        )
        return [_fill_report(row) for row in rows], str(rows[-1].sequence) if rows else cursor

    def position_list(self) -> list[PositionReport]:
        """Return every position that is not flat."""
        self._book()
        positions = PaperPosition.objects.filter(book__account=self.account).exclude(quantity=0)
        return [
            PositionReport(
                symbol=position.instrument.symbol,
                quantity=position.quantity,
                average_entry_price=position.average_entry_price,
            )
            for position in positions.select_related("instrument")
        ]

    def balance_list(self) -> list[BalanceReport]:
        """Return the book's cash."""
        book = self._book()
        return [BalanceReport(currency=book.currency, cash=book.cash)]

    def _book(self) -> PaperBook:
        book = PaperBook.objects.filter(account=self.account).first()
        if book is None:
            raise Rejected(f"{self.account} has no paper book", code="NO_BOOK")
        return book

    def _book_locked(self) -> PaperBook:
        book = PaperBook.objects.select_for_update().filter(account=self.account).first()
        if book is None:
            raise Rejected(f"{self.account} has no paper book", code="NO_BOOK")
        return book

    def _find(self, book: PaperBook, client_order_id: str) -> PaperOrder | None:
        orders = PaperOrder.objects.filter(book=book, client_order_id=client_order_id)
        return orders.select_related("instrument").first()


def _terms_check(request: OrderRequest, instrument: Instrument) -> None:
    if request.quantity <= 0 or request.quantity % instrument.lot_size:
        raise Rejected(
            f"quantity {plain(request.quantity)} is not a positive multiple of the lot "
            f"{plain(instrument.lot_size)}",
            code="LOT",
        )
    for name, price in (("limit", request.limit_price), ("stop", request.stop_price)):
        if price is not None and (price <= 0 or price % instrument.tick_size):
            raise Rejected(
                f"{name} price {plain(price)} is not a positive multiple of the tick "
                f"{plain(instrument.tick_size)}",
                code="TICK",
            )
    if request.order_type is OrderType.LIMIT and request.limit_price is None:
        raise Rejected("a limit order needs a limit price", code="PRICE")
    if request.order_type is OrderType.STOP and request.stop_price is None:
        raise Rejected("a stop order needs a stop price", code="PRICE")


def _attached_create(entry: PaperOrder, attached: AttachedExit, *, at: datetime) -> None:
    is_stop = attached.role is OrderRole.STOP_LOSS
    order = PaperOrder.objects.create(
        book=entry.book,
        instrument=entry.instrument,
        client_order_id=attached.client_order_id,
        parent=entry,
        role=attached.role.value,
        side=Side(entry.side).opposite.value,
        order_type=(OrderType.STOP if is_stop else OrderType.LIMIT).value,
        time_in_force="GTC",
        quantity=entry.quantity,
        distance_ratio=attached.distance_ratio,
        reduce_only=True,
        status=S.PENDING_NEW.value,
        accepted_at=at,
        matched_until=at,
        updated_at=at,
    )
    order_report_add(order, at=at)


def _order_report(order: PaperOrder) -> OrderReport:
    return OrderReport(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        quantity=order.quantity,
        status=S(order.status),
        filled_quantity=order.filled_quantity,
        occurred_at=order.updated_at,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
    )


def _row_report(row: PaperReport) -> OrderReport:
    return OrderReport(
        client_order_id=row.order.client_order_id,
        venue_order_id=row.order.venue_order_id,
        symbol=row.order.instrument.symbol,
        side=Side(row.order.side),
        quantity=row.order_quantity,
        status=S(row.status),
        filled_quantity=row.filled_quantity,
        occurred_at=row.occurred_at,
        limit_price=row.limit_price,
        stop_price=row.stop_price,
        text=row.text,
    )


def _fill_report(row: PaperReport) -> FillReport:
    return FillReport(
        trade_id=row.trade_id,
        client_order_id=row.order.client_order_id,
        venue_order_id=row.order.venue_order_id,
        symbol=row.order.instrument.symbol,
        side=Side(row.order.side),
        quantity=row.fill_quantity or Decimal(0),
        price=row.fill_price or Decimal(0),
        commission=row.commission or Decimal(0),
        commission_currency=row.book.currency,
        executed_at=row.occurred_at,
    )
