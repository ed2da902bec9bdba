"""A broker at the port that says what a test lets it say, and nothing of the desk's own tables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from apps.orders.domain.types import (
    BalanceReport,
    BrokerCapabilities,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRequest,
    PositionReport,
    ReportPage,
)


@dataclass
class ScriptedBroker:
    """Answers reads from its attributes; a read named in ``failures`` raises instead.

    Attributes:
        pages: Report pages by the cursor that asks for them.
        before_read: Called before every read of open orders, to let things happen meanwhile.
    """

    orders: list[OrderReport] = field(default_factory=list)
    fills: list[FillReport] = field(default_factory=list)
    positions: list[PositionReport] = field(default_factory=list)
    balances: list[BalanceReport] = field(default_factory=list)
    pages: dict[str, ReportPage] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    before_read: Callable[[], object] = lambda: None
    fills_per_page: int = 2
    capabilities: BrokerCapabilities = field(
        default_factory=lambda: BrokerCapabilities(
            attached_exits=True, deduplicates=True, absence_window_seconds=2.0
        )
    )

    def _read(self, name: str) -> None:
        if failure := self.failures.get(name):
            raise failure

    def order_place(self, request: OrderRequest) -> OrderReport:
        raise AssertionError("reconciling sends nothing")

    def order_cancel(self, *, client_order_id: str, symbol: str) -> OrderReport:
        raise AssertionError("reconciling cancels nothing")

    def order_cancel_all(self, *, symbol: str | None = None) -> int:
        raise AssertionError("reconciling cancels nothing")

    def order_amend(self, amendment: OrderAmendment) -> OrderReport:
        raise AssertionError("reconciling amends nothing")

    def order_find(self, *, client_order_id: str, symbol: str) -> OrderReport | None:
        raise AssertionError("reconciling reads lists")

    def order_list_open(self) -> list[OrderReport]:
        self.before_read()
        self._read("order_list_open")
        return list(self.orders)

    def reports_since(self, cursor: str) -> ReportPage:
        self._read("reports_since")
        return self.pages.get(cursor, ReportPage(reports=(), cursor=cursor))

    def fill_list_since(self, cursor: str) -> tuple[list[FillReport], str]:
        self._read("fill_list_since")
        start = int(cursor or 0)
        page = self.fills[start : start + self.fills_per_page]
        return page, str(start + len(page)) if page else cursor

    def position_list(self) -> list[PositionReport]:
        self._read("position_list")
        return list(self.positions)

    def balance_list(self) -> list[BalanceReport]:
        self._read("balance_list")
        return list(self.balances)


def a_position(symbol: str, quantity: Decimal | int | str) -> PositionReport:
    return PositionReport(
        symbol=symbol, quantity=Decimal(quantity), average_entry_price=Decimal(100)
    )


def cash_of(amount: Decimal | int | str, currency: str = "USDT") -> BalanceReport:
    return BalanceReport(currency=currency, cash=Decimal(amount))


def page_of(*reports: OrderReport | FillReport, cursor: str, has_more: bool = False) -> ReportPage:
    return ReportPage(reports=reports, cursor=cursor, has_more=has_more)
