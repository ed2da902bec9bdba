"""The paper venue behind the broker port."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperOrder, PaperPosition, PaperReport
from apps.brokers.paper.book import order_close, order_report_add
from apps.brokers.paper.reports import fill_report, order_report, row_report
from apps.brokers.paper.terms import (
    amendment_changes,
    amendment_check,
    attached_check,
    conditions_check,
    terms_check,
)
from apps.brokers.selectors import RESTING, paper_reports_wait
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
    OrderAmendment,
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
_OPEN = (*RESTING, S.PENDING_NEW.value)
_PAGE = 200
_CAPABILITIES = BrokerCapabilities(
    attached_exits=True,
    deduplicates=True,
    absence_window_seconds=2.0,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    amends=True,
    post_only=True,
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
            return order_report(order)
        instrument = Instrument.objects.filter(symbol=request.symbol).first()
        # What is delisted can still be closed, as at venues that announce an end to trading
        if instrument is None or not (instrument.is_tradable or request.reduce_only):
            raise Rejected(f"{request.symbol} is not traded here", code="SYMBOL")
        terms_check(request, instrument)
        conditions_check(request)
        attached_check(request, book)
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
            trail_amount=request.trail_amount,
            trail_ratio=request.trail_ratio,
            expires_at=request.expires_at,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            accepted_at=request.as_of,
            matched_until=request.as_of,
            updated_at=request.as_of,
        )
        order_report_add(order, at=request.as_of)
        for attached in request.attached:
            _attached_create(order, attached, at=request.as_of)
        return order_report(order)

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
        if order.status in _OPEN:
            order_close(order, S.CANCELED, at=now(), text="canceled on request")
        return order_report(order)

    @transaction.atomic
    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        """Change quantity or prices of an open order; at a new limit price it arrives anew.

        Raises:
            Rejected: It is not open, does not go by such a price, the terms break the instrument's
                rules, or the quantity is not above what has filled.
        """
        book = self._book_locked()
        order = self._find(book, amendment.client_order_id)
        if order is None or order.status not in _OPEN:
            raise Rejected(
                f"order {amendment.client_order_id} is not open, so it cannot be amended",
                code="NOT_OPEN",
            )
        changes = amendment_changes(amendment)
        amendment_check(order, changes)
        for name, value in changes.items():
            setattr(order, name, value)
        terms_check(order, order.instrument)
        if order.quantity <= order.filled_quantity:
            raise Rejected(
                f"quantity {plain(order.quantity)} must be above the "
                f"{plain(order.filled_quantity)} that have filled; cancel the order instead",
                code="QUANTITY",
            )
        if "limit_price" in changes:
            order.has_rested = False
        order.updated_at = now()
        order.save(update_fields=[*changes, "has_rested", "updated_at"])
        order_report_add(order, at=order.updated_at, text="amended")
        return order_report(order)

    @transaction.atomic
    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        """Cancel every open or waiting order, of one symbol or of all."""
        book = self._book_locked()
        orders = book.orders.filter(status__in=_OPEN)
        if symbol is not None:
            orders = orders.filter(instrument__symbol=symbol)
        count = 0
        for order in orders.order_by("pk"):
            order.refresh_from_db(fields=["status"])  # an entry takes its waiting exits with it
            if order.status in _OPEN:
                order_close(order, S.CANCELED, at=now(), text="canceled with all")
            count += 1
        return count

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        """Return where an order stands, open or closed."""
        order = self._find(self._book(), client_order_id)
        return order_report(order) if order else None

    def order_list_open(self) -> list[OrderReport]:
        """Return the working orders, exits that wait for their entry included."""
        orders = PaperOrder.objects.filter(
            book__account=self.account, status__in=_OPEN
        ).select_related("instrument")
        self._book()
        return [order_report(order) for order in orders]

    def reports_since(self, cursor: str) -> ReportPage:
        """Return up to 200 reports after ``cursor``."""
        waiting = paper_reports_wait(account_id=self.account.pk, after=int(cursor or 0))
        if waiting is None:
            raise self._bookless()
        if not waiting:
            return ReportPage(reports=(), cursor=cursor)
        rows = list(
            PaperReport.objects.filter(
                book__account=self.account, sequence__gt=int(cursor or 0)
            ).select_related("order__instrument", "book")[: _PAGE + 1]
        )
        page = rows[:_PAGE]
        reports: list[OrderReport | FillReport] = [
            fill_report(row) if row.trade_id else row_report(row) for row in page
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
        return [fill_report(row) for row in rows], str(rows[-1].sequence) if rows else cursor

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
            raise self._bookless()
        return book

    def _book_locked(self) -> PaperBook:
        book = PaperBook.objects.select_for_update().filter(account=self.account).first()
        if book is None:
            raise self._bookless()
        return book

    def _bookless(self) -> Rejected:
        return Rejected(f"{self.account} has no paper book; open one first", code="NO_BOOK")

    def _find(self, book: PaperBook, client_order_id: str) -> PaperOrder | None:
        orders = PaperOrder.objects.filter(book=book, client_order_id=client_order_id)
        return orders.select_related("instrument").first()


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
