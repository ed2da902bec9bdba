"""A broker's reports come into the books once each; what cannot come in becomes a break."""

from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.core.models import AuditEvent
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import Unavailable
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, Side
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.services import order_amend_request, order_claim
from apps.positions.models import LedgerTransaction, Position, PositionChange
from apps.reconciliation.models import Break, ReportCursor
from apps.reconciliation.services import report_take_in, reports_intake
from tests.orders.builders import (
    a_bracket,
    a_fill_report,
    accepted,
    an_order,
    an_order_report,
)
from tests.reconciliation.broker import ScriptedBroker, page_of

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


@pytest.fixture
def order(account: TradingAccount, instrument: Instrument) -> Order:
    return accepted(an_order(account=account, instrument=instrument, quantity=D(2)))


def books_of(account: TradingAccount) -> tuple[object, ...]:
    """Return everything that taking in a report may change."""
    return (
        list(Order.objects.filter(account=account).order_by("pk").values()),
        OrderEvent.objects.count(),
        Fill.objects.count(),
        list(Position.objects.values("quantity", "average_entry_price", "commission")),
        LedgerTransaction.objects.count(),
        PositionChange.objects.count(),
    )


def the_break() -> Break:
    return Break.objects.get()


def test_pages_are_read_until_there_is_nothing_more(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    broker.pages = {
        "": page_of(a_fill_report(order, 1, trade_id="t1"), cursor="1", has_more=True),
        "1": page_of(cursor="2", has_more=True),
        "2": page_of(a_fill_report(order, 1, trade_id="t2"), cursor="3"),
        "3": page_of(a_fill_report(order, 1, trade_id="never asked for"), cursor="4"),
    }
    result = reports_intake(account=account, gateway=broker)
    assert (result.reports, result.breaks, result.cursor) == (2, 0, "3")
    assert ReportCursor.objects.get(account=account).cursor == "3"
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("FILLED", D(2))


def test_intake_goes_on_where_the_last_one_ended(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    broker.pages = {"": page_of(a_fill_report(order, 1), cursor="1")}
    reports_intake(account=account, gateway=broker)
    broker.pages = {"1": page_of(a_fill_report(order, 1, trade_id="t2"), cursor="2")}
    reports_intake(account=account, gateway=broker)
    assert reports_intake(account=account, gateway=broker).reports == 0
    assert Fill.objects.count() == 2


def test_cursor_of_an_earlier_intake_that_is_old_costs_a_look_and_nothing_else(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    broker.pages = {"": page_of(a_fill_report(order, 1), cursor="1")}
    reports_intake(account=account, gateway=broker)
    result = reports_intake(account=account, gateway=broker, after="")
    assert (result.reports, result.cursor) == (0, "1")
    assert Fill.objects.count() == 1


def test_broker_that_cannot_be_read_leaves_cursor_and_books_alone(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    before = books_of(account)
    broker.failures = {"reports_since": Unavailable("connection refused")}
    with pytest.raises(Unavailable):
        reports_intake(account=account, gateway=broker)
    assert books_of(account) == before
    assert ReportCursor.objects.get(account=account).cursor == ""


def test_fault_in_the_middle_of_a_page_leaves_nothing_of_it(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    before = books_of(account)
    broken = a_fill_report(order, 1, trade_id="t2", executed_at=None)
    broker.pages = {"": page_of(a_fill_report(order, 1), broken, cursor="1")}
    with pytest.raises(Exception, match="null value"):
        reports_intake(account=account, gateway=broker)
    assert books_of(account) == before
    assert ReportCursor.objects.get(account=account).cursor == ""


def test_reports_twice_and_in_any_order_come_to_the_same_books(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    reports: list[OrderReport | FillReport] = [
        a_fill_report(order, 1, trade_id="t2", price=D(101)),
        an_order_report(order, S.FILLED, filled_quantity=D(2)),
        an_order_report(order, S.NEW),
        a_fill_report(order, 1, trade_id="t1", price=D(100)),
        an_order_report(order, S.PARTIALLY_FILLED, filled_quantity=D(1)),
    ]
    broker.pages = {"": page_of(*reports, cursor="1"), "1": page_of(*reports, cursor="2")}
    reports_intake(account=account, gateway=broker)
    before = books_of(account)
    assert reports_intake(account=account, gateway=broker).breaks == 0
    assert books_of(account) == before
    order.refresh_from_db()
    assert (order.status, order.average_fill_price) == ("FILLED", D("100.5"))
    assert Position.objects.get().quantity == D(2)


def test_order_that_the_desk_does_not_know_is_one_break_however_often_it_is_reported(
    account: TradingAccount, instrument: Instrument, broker: ScriptedBroker
) -> None:
    stranger = Order(
        account=account, client_order_id="NOBODY", instrument=instrument, side="BUY", quantity=D(1)
    )
    broker.pages = {
        "": page_of(
            an_order_report(stranger, S.NEW),
            an_order_report(stranger, S.CANCELED),
            cursor="1",
        )
    }
    assert reports_intake(account=account, gateway=broker).breaks == 2
    found = the_break()
    assert (found.kind, found.key, found.order) == ("ORDER_UNKNOWN_TO_DESK", "NOBODY", None)
    assert found.theirs["status"] == "NEW"
    assert AuditEvent.objects.filter(action="break.opened").count() == 1


def test_fill_of_an_order_that_the_desk_does_not_know_is_a_break(
    account: TradingAccount, instrument: Instrument
) -> None:
    stranger = Order(
        account=account, client_order_id="NOBODY", instrument=instrument, side="BUY", quantity=D(1)
    )
    assert report_take_in(account=account, report=a_fill_report(stranger, 1)) is False
    assert (the_break().kind, the_break().key) == ("FILL_UNKNOWN_TO_DESK", "NOBODY:t1")
    assert Fill.objects.exists() is False


def test_overfill_is_a_break_and_writes_nothing_else(account: TradingAccount, order: Order) -> None:
    before = books_of(account)
    assert report_take_in(account=account, report=a_fill_report(order, 3)) is False
    assert books_of(account) == before
    found = the_break()
    assert (found.kind, found.order, found.instrument) == (
        "REPORT_REFUSED",
        order,
        order.instrument,
    )
    assert "filled 3 of 2" in found.description
    assert found.ours == {"status": "NEW", "filled_quantity": "0"}
    assert found.theirs["quantity"] == "3"


def test_step_that_the_state_table_refuses_is_a_break_and_writes_nothing_else(
    account: TradingAccount, order: Order
) -> None:
    report_take_in(account=account, report=an_order_report(order, S.REJECTED))
    before = books_of(account)
    assert report_take_in(account=account, report=a_fill_report(order, 1)) is False
    assert books_of(account) == before
    assert "cannot go from REJECTED to PARTIALLY_FILLED" in the_break().description


def test_status_that_the_state_table_refuses_is_a_break_of_its_own(
    account: TradingAccount, order: Order
) -> None:
    report_take_in(account=account, report=a_fill_report(order, 2))
    for status in (S.CANCELED, S.EXPIRED, S.CANCELED):
        assert report_take_in(account=account, report=an_order_report(order, status)) is False
    keys = Break.objects.order_by("key").values_list("kind", "key")
    assert list(keys) == [
        ("REPORT_REFUSED", f"{order}:CANCELED"),
        ("REPORT_REFUSED", f"{order}:EXPIRED"),
    ]
    order.refresh_from_db()
    assert order.status == "FILLED"


def test_report_that_cannot_be_true_is_a_break_and_writes_nothing_else(
    account: TradingAccount, order: Order
) -> None:
    before = books_of(account)
    lie = a_fill_report(order, 1, side=Side.SELL)
    assert report_take_in(account=account, report=lie) is False
    assert books_of(account) == before
    assert "has the side BUY; the venue reports it with SELL" in the_break().description


def test_commission_in_a_currency_that_is_not_booked_is_a_break_and_the_fill_waits(
    account: TradingAccount, order: Order
) -> None:
    before = books_of(account)
    strange = a_fill_report(order, 1, commission_currency="BNB")
    assert report_take_in(account=account, report=strange) is False
    assert books_of(account) == before
    assert "books no BNB" in the_break().description


@pytest.mark.parametrize(
    "lie",
    [
        {"client_order_id": "NO\0BODY"},
        {"trade_id": "t\0"},
        {"commission_currency": "U" * 60},
        {"venue_order_id": "V" * 65},
    ],
    ids=["order id", "trade id", "currency", "venue id"],
)
def test_text_that_the_database_cannot_keep_is_a_break_and_holds_nothing_up(
    account: TradingAccount, order: Order, broker: ScriptedBroker, lie: dict[str, str]
) -> None:
    broker.pages = {
        "": page_of(
            a_fill_report(order, 1, **{"trade_id": "t1", **lie}),
            a_fill_report(order, 2, trade_id="t2"),
            cursor="1",
        )
    }
    result = reports_intake(account=account, gateway=broker)
    assert (result.reports, result.breaks, result.cursor) == (2, 1, "1")
    assert the_break().kind == "REPORT_REFUSED"
    assert [fill.trade_id for fill in Fill.objects.all()] == ["t2"]


def test_result_too_large_for_the_books_is_a_break_and_the_fill_waits(
    account: TradingAccount, instrument: Instrument, order: Order
) -> None:
    assert report_take_in(account=account, report=a_fill_report(order, 2, price=D("9E17")))
    other = accepted(an_order(account=account, instrument=instrument, key="other", side=Side.SELL))
    before = books_of(account)
    assert report_take_in(account=account, report=a_fill_report(other, 2, price=D(1))) is False
    assert books_of(account) == before
    assert "must be below" in the_break().description


def test_confirmed_reduction_below_what_has_filled_is_a_break(
    account: TradingAccount, order: Order
) -> None:
    order_amend_request(order=order, quantity=D(1), reason="less")
    assert report_take_in(account=account, report=a_fill_report(order, "1.5"))
    before = books_of(account)
    reduced = an_order_report(order, S.PARTIALLY_FILLED, quantity=D(1))
    assert report_take_in(account=account, report=reduced) is False
    assert books_of(account) == before
    assert "has filled 1.5" in the_break().description


def test_break_does_not_hold_up_the_reports_behind_it(
    account: TradingAccount, order: Order, broker: ScriptedBroker
) -> None:
    broker.pages = {
        "": page_of(
            a_fill_report(order, 9, trade_id="t1"),
            a_fill_report(order, 2, trade_id="t2"),
            cursor="1",
        )
    }
    result = reports_intake(account=account, gateway=broker)
    assert (result.reports, result.breaks) == (2, 1)
    order.refresh_from_db()
    assert order.status == "FILLED"


def test_answer_to_a_cancel_that_the_last_fill_crossed_is_no_break(
    account: TradingAccount, order: Order
) -> None:
    for report in (
        an_order_report(order, S.CANCELED),
        a_fill_report(order, 1, trade_id="t1"),
        a_fill_report(order, 1, trade_id="t2"),
    ):
        assert report_take_in(account=account, report=report) is True
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("FILLED", D(2))
    assert Break.objects.exists() is False


def test_exits_reported_before_their_entry_was_acknowledged_wait_as_a_break_for_nobody(
    account: TradingAccount, instrument: Instrument
) -> None:
    entry = a_bracket(account=account, instrument=instrument)
    order_claim(order=entry, epoch=1)
    stop = entry.exits.get(role="STOP_LOSS")
    assert report_take_in(account=account, report=an_order_report(stop, S.PENDING_NEW)) is True
    assert report_take_in(account=account, report=a_fill_report(entry, 2)) is True
    started = an_order_report(stop, S.NEW, stop_price=D(99))
    assert report_take_in(account=account, report=started) is True
    assert Break.objects.exists() is False
