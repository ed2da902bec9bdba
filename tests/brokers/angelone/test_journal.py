"""What the books showed is kept in one sequence, and no look loses, doubles or undoes anything."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import TradingAccount
from apps.brokers.angelone.journal import journal_fills, journal_keep, journal_page
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, Side
from tests.contracts.angelone import MIDDAY
from tests.factories.accounts import TradingAccountFactory

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


@pytest.fixture
def account() -> TradingAccount:
    made: TradingAccount = TradingAccountFactory(broker="ANGELONE", mode="LIVE")
    return made


def order(number: int = 1, day: str = "261201", **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "client_order_id": f"A{number}",
        "venue_order_id": f"{day}{number:09d}",
        "symbol": "NSE:LEVEL",
        "side": Side.BUY,
        "quantity": D(10),
        "status": S.NEW,
        "filled_quantity": D(0),
        "occurred_at": MIDDAY,
        "limit_price": D(100),
    }
    return OrderReport(**{**values, **changes})


def fill(number: int, of: int = 1, quantity: int = 1) -> FillReport:
    return FillReport(
        trade_id=f"261201{of:09d}-{number}",
        client_order_id=f"A{of}",
        venue_order_id=f"261201{of:09d}",
        symbol="NSE:LEVEL",
        side=Side.BUY,
        quantity=D(quantity),
        price=D(100),
        commission=D(0),
        commission_currency="INR",
        executed_at=MIDDAY,
    )


def look(
    account: TradingAccount,
    *orders: OrderReport,
    trades: tuple[FillReport, ...] = (),
    at: datetime = MIDDAY,
) -> None:
    journal_keep(account=account, orders=orders, trades=trades, read_began_at=at)


def statuses(account: TradingAccount) -> list[OrderStatus]:
    page = journal_page(account=account, cursor="")
    return [report.status for report in page.reports if isinstance(report, OrderReport)]


def test_same_look_twice_adds_nothing(account: TradingAccount) -> None:
    for _ in range(2):
        look(account, order(), trades=(fill(1),))
    page = journal_page(account=account, cursor="")
    assert (len(page.reports), page.cursor) == (2, "2")
    assert journal_page(account=account, cursor="2").reports == ()


def test_each_change_is_told_once_in_order(account: TradingAccount) -> None:
    look(account, order())
    look(account, order(status=S.PARTIALLY_FILLED, filled_quantity=D(1)), trades=(fill(1),))
    look(
        account,
        order(status=S.FILLED, filled_quantity=D(10)),
        trades=(fill(1), fill(2, quantity=9)),
    )
    assert statuses(account) == [S.NEW, S.PARTIALLY_FILLED, S.FILLED]
    fills, cursor = journal_fills(account=account, cursor="")
    assert [each.quantity for each in fills] == [D(1), D(9)]
    assert journal_fills(account=account, cursor=cursor) == ([], cursor)


def test_older_look_that_comes_later_undoes_nothing_and_still_brings_its_trade(
    account: TradingAccount,
) -> None:
    look(account, order(status=S.FILLED, filled_quantity=D(10)), at=MIDDAY + timedelta(seconds=1))
    look(account, order(), trades=(fill(1, quantity=10),), at=MIDDAY)
    assert statuses(account) == [S.FILLED]
    assert len(journal_fills(account=account, cursor="")[0]) == 1


def test_order_that_has_ended_does_not_come_to_life(account: TradingAccount) -> None:
    look(account, order(status=S.CANCELED))
    look(account, order(status=S.NEW), at=MIDDAY + timedelta(seconds=1))
    assert statuses(account) == [S.CANCELED]


def test_order_of_a_past_day_that_is_shown_no_more_has_ended(account: TradingAccount) -> None:
    look(account, order(1, day="261130"), order(2, status=S.NEW))
    assert statuses(account) == [S.NEW, S.NEW]
    look(account, order(2), at=MIDDAY + timedelta(seconds=1))
    page = journal_page(account=account, cursor="2")
    [ended] = page.reports
    assert isinstance(ended, OrderReport)
    assert (ended.client_order_id, ended.status) == ("A1", S.EXPIRED)
    assert "its day is over" in ended.text
    look(account, order(2), at=MIDDAY + timedelta(seconds=2))
    assert journal_page(account=account, cursor=page.cursor).reports == ()


def test_books_of_two_accounts_are_kept_apart(account: TradingAccount) -> None:
    other = TradingAccountFactory(broker="ANGELONE", mode="LIVE")
    look(account, order(), trades=(fill(1),))
    look(other, order(), trades=(fill(1),))
    assert len(journal_page(account=other, cursor="").reports) == 2
