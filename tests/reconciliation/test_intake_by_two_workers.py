"""Two workers that read the same reports record each of them once."""

from dataclasses import dataclass, field
from decimal import Decimal
from threading import Barrier

import pytest

from apps.accounts.models import TradingAccount
from apps.orders.domain.types import FillReport, OrderReport, ReportPage
from apps.orders.models import Fill, Order, OrderEvent
from apps.positions.models import LedgerTransaction, Position, PositionChange
from apps.positions.selectors import ledger_unbalanced
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.services import reconciliation_run, report_take_in, reports_intake
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.orders.builders import a_fill_report, accepted, an_order
from tests.reconciliation.broker import ScriptedBroker, cash_of, page_of
from tests.workers import together

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def account(transactional_db: None) -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def order(account: TradingAccount) -> Order:
    instrument = InstrumentFactory(symbol="TEST:BTC.P")
    return accepted(an_order(account=account, instrument=instrument, quantity=D(50)))


@dataclass
class MeetingBroker(ScriptedBroker):
    """Answers the first question of each worker only when both have asked it."""

    met: Barrier = field(default_factory=lambda: Barrier(2))

    def reports_since(self, cursor: str) -> ReportPage:
        page = super().reports_since(cursor)
        if cursor == "":
            self.met.wait(timeout=20)
        return page


def test_page_that_both_have_read_is_recorded_by_one_of_them(
    account: TradingAccount, order: Order
) -> None:
    fills: list[OrderReport | FillReport] = [
        a_fill_report(order, 1, trade_id=f"t{number}") for number in range(20)
    ]
    broker = MeetingBroker(
        pages={
            "": page_of(*fills[:10], cursor="1", has_more=True),
            "1": page_of(*fills[10:], cursor="2"),
        }
    )
    reports_intake(account=account, gateway=ScriptedBroker())
    events = OrderEvent.objects.count()
    raised = together(*[lambda: reports_intake(account=account, gateway=broker)] * 2)
    assert raised == []
    assert Fill.objects.count() == PositionChange.objects.count() == 20
    assert OrderEvent.objects.count() == events + 20
    assert LedgerTransaction.objects.count() == 20
    assert Position.objects.get().quantity == D(20)
    assert Break.objects.exists() is False
    assert ledger_unbalanced(account=account) == []


def test_one_fill_taken_in_by_many_at_once_is_booked_once(
    account: TradingAccount, order: Order
) -> None:
    report = a_fill_report(order, 1)
    raised = together(*[lambda: report_take_in(account=account, report=report)] * 6)
    assert raised == []
    assert Fill.objects.count() == PositionChange.objects.count() == 1
    assert LedgerTransaction.objects.count() == 1
    assert Position.objects.get().quantity == D(1)
    assert ledger_unbalanced(account=account) == []


def test_different_fills_taken_in_at_once_lose_none(account: TradingAccount, order: Order) -> None:
    works = [
        lambda number=number: report_take_in(
            account=account, report=a_fill_report(order, 1, trade_id=f"t{number}")
        )
        for number in range(8)
    ]
    assert together(*works) == []
    order.refresh_from_db()
    assert (order.filled_quantity, Fill.objects.count()) == (D(8), 8)
    sequences = list(order.events.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, len(sequences) + 1))
    assert Position.objects.get().quantity == D(8)
    assert ledger_unbalanced(account=account) == []


def test_two_runs_at_once_open_one_break(
    account: TradingAccount,
) -> None:
    broker = ScriptedBroker(balances=[cash_of(5)])

    def run() -> None:
        reconciliation_run(account=account, gateway=broker, trigger="SCHEDULE")

    assert together(run, run) == []
    assert ReconciliationRun.objects.filter(result="BREAKS").count() == 2
    assert Break.objects.count() == 1
