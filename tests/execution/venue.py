"""A broker at the port that answers what a test tells it to."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from apps.orders.domain.ports import BrokerError, OutcomeUnknown, Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    BalanceReport,
    BrokerCapabilities,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRequest,
    PositionReport,
    ReportPage,
    Side,
)
from apps.orders.models import Order

HOUR = 3600.0


class ReplyLost(OutcomeUnknown):
    """The order arrived, its answer did not."""


@dataclass
class FakeVenue:
    """Takes orders as NEW unless ``answers`` says otherwise, one answer an order.

    Attributes:
        answers: Errors to raise; None: no error.
        answers_with_side: Said of every order instead of its own side.
        placed: Every request that reached it, answered or not.
        confirms_cancels: Whether a cancel happens at once; asked for, it is not forgotten.
        reads_fail_with: Raised by every read while it is set.
    """

    absence_window_seconds: float | None = HOUR
    cash: Decimal = Decimal(10_000)
    answers: list[BrokerError | None] = field(default_factory=list)
    answers_with_side: Side | None = None
    placed: list[OrderRequest] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    reports: list[OrderReport | FillReport] = field(default_factory=list)
    confirms_cancels: bool = True
    reads_fail_with: BrokerError | None = None
    orders: dict[str, OrderReport] = field(default_factory=dict)

    @property
    def capabilities(self) -> BrokerCapabilities:
        return BrokerCapabilities(
            attached_exits=True,
            deduplicates=True,
            absence_window_seconds=self.absence_window_seconds,
        )

    def order_place(self, request: OrderRequest) -> OrderReport:
        self.placed.append(request)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None and not isinstance(answer, ReplyLost):
            raise answer
        report = _report(request)
        self.orders[request.client_order_id] = report
        if answer is not None:
            raise answer
        return replace(report, side=self.answers_with_side or report.side)

    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        self.canceled.append(client_order_id)
        if client_order_id not in self.orders:
            raise Rejected(f"order {client_order_id} does not exist", code="NOT_FOUND")
        if not self.confirms_cancels:
            return self.orders[client_order_id]
        report = replace(self.orders[client_order_id], status=OrderStatus.CANCELED)
        self.orders[client_order_id] = report
        self.reports.append(report)
        return report

    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        raise Rejected("orders are not amended here", code="AMEND")

    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        working = [report.client_order_id for report in self.order_list_open()]
        for client_order_id in working:
            self.order_cancel(client_order_id=client_order_id, symbol=symbol or "")
        return len(working)

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        self._readable()
        return self.orders.get(client_order_id)

    def order_list_open(self) -> list[OrderReport]:
        self._readable()
        return [report for report in self.orders.values() if report.status is OrderStatus.NEW]

    def reports_since(self, cursor: str) -> ReportPage:
        self._readable()
        seen = int(cursor or 0)
        return ReportPage(reports=tuple(self.reports[seen:]), cursor=str(len(self.reports)))

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        self._readable()
        fills = [report for report in self.reports if isinstance(report, FillReport)]
        return fills[int(cursor or 0) :], str(len(fills))

    def position_list(self) -> list[PositionReport]:
        self._readable()
        return []

    def balance_list(self) -> list[BalanceReport]:
        self._readable()
        return [BalanceReport(currency="USDT", cash=self.cash)]

    def works(self, order: Order) -> None:
        """Let the venue hold an order that a test has written down."""
        self.orders[order.client_order_id] = OrderReport(
            client_order_id=order.client_order_id,
            venue_order_id=f"V{order.client_order_id}",
            symbol=order.instrument.symbol,
            side=Side(order.side),
            quantity=order.quantity,
            status=OrderStatus.NEW,
            filled_quantity=Decimal(0),
            occurred_at=order.decided_at,
        )

    def ids_placed(self) -> list[str]:
        return [request.client_order_id for request in self.placed]

    def _readable(self) -> None:
        if self.reads_fail_with is not None:
            raise self.reads_fail_with


def _report(request: OrderRequest) -> OrderReport:
    return OrderReport(
        client_order_id=request.client_order_id,
        venue_order_id=f"V{request.client_order_id}",
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=OrderStatus.NEW,
        filled_quantity=Decimal(0),
        occurred_at=request.as_of,
    )
