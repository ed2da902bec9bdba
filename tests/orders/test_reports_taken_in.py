"""Reports arrive twice, late, in the wrong order, and now and then they are wrong."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.orders.domain.states import IllegalTransition, OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, OrderRole, OrderType, Side
from apps.orders.models import Fill, InstrumentFreeze, Order, OrderEvent
from apps.orders.services import (
    OrderNotFound,
    ReportContradicts,
    fill_record,
    order_cancel_request,
    order_claim,
    order_mark_unknown,
    order_report_record,
)
from tests.factories.accounts import TradingAccountFactory
from tests.orders.builders import (
    AT,
    a_bracket,
    a_fill_report,
    accepted,
    an_order,
    an_order_report,
)

pytestmark = pytest.mark.django_db
D = Decimal
S = OrderStatus


def claimed(order: Order) -> Order:
    assert order_claim(order=order, epoch=1)
    return order


def take_in(order: Order, report: OrderReport | FillReport) -> None:
    if isinstance(report, FillReport):
        fill_record(account=order.account, report=report)
    else:
        order_report_record(account=order.account, report=report)


def exits_of(entry: Order) -> dict[str, str]:
    return {order.role: order.status for order in entry.exits.all()}


def state_of(order: Order) -> tuple[str, Decimal, int, int]:
    order.refresh_from_db()
    return order.status, order.filled_quantity, order.events.count(), order.fills.count()


@pytest.mark.parametrize(
    "lie",
    [
        {"symbol": "TEST:OTHER"},
        {"side": Side.SELL},
        {"quantity": D(0)},
        {"quantity": D(-1)},
        {"quantity": D("NaN")},
        {"filled_quantity": D(-1)},
        {"filled_quantity": D("Infinity")},
    ],
    ids=str,
)
def test_order_report_that_cannot_be_true_is_refused_and_nothing_is_written(
    lie: dict[str, Any],
) -> None:
    order = accepted(an_order())
    before = state_of(order)
    with pytest.raises(ReportContradicts, match="the venue reports"):
        order_report_record(account=order.account, report=an_order_report(order, S.CANCELED, **lie))
    assert state_of(order) == before


@pytest.mark.parametrize(
    "lie",
    [
        {"symbol": "TEST:OTHER"},
        {"side": Side.SELL},
        {"quantity": D(0)},
        {"quantity": D(-1)},
        {"quantity": D("1E-11")},
        {"quantity": D("1E20")},
        {"price": D(0)},
        {"price": D(-5)},
        {"price": D("NaN")},
        {"commission": D("Infinity")},
        {"trade_id": ""},
        {"trade_id": "t" * 65},
    ],
    ids=str,
)
def test_fill_report_that_cannot_be_true_is_refused_and_nothing_is_written(
    lie: dict[str, Any],
) -> None:
    order = accepted(an_order())
    before = state_of(order)
    report = a_fill_report(order, **{"quantity": D(1), **lie})
    with pytest.raises(ReportContradicts, match="the venue reports"):
        fill_record(account=order.account, report=report)
    assert state_of(order) == before


@pytest.mark.parametrize(
    "status", [S.INTENT, S.SENDING, S.UNKNOWN, S.PENDING_CANCEL, S.PENDING_REPLACE]
)
def test_status_that_only_the_desk_can_give_is_refused_and_nothing_is_written(
    status: OrderStatus,
) -> None:
    order = claimed(an_order())
    before = state_of(order)
    with pytest.raises(ReportContradicts, match=f"reports {status} of order"):
        order_report_record(account=order.account, report=an_order_report(order, status))
    assert state_of(order) == before


@pytest.mark.parametrize("lie", [{"quantity": D(2)}, {"price": D(101)}], ids=str)
def test_trade_reported_again_with_other_terms_is_refused_and_the_first_stands(
    lie: dict[str, Any],
) -> None:
    order = accepted(an_order())
    take_in(order, a_fill_report(order, 1))
    before = state_of(order)
    with pytest.raises(ReportContradicts, match="trade t1 is recorded as 1 at 100; the venue"):
        take_in(order, a_fill_report(order, **{"quantity": D(1), **lie}))
    assert state_of(order) == before


@pytest.mark.parametrize(
    "lie",
    [{"venue_order_id": "V" * 65}, {"venue_order_id": "\0"}, {"client_order_id": "\0"}],
    ids=["long", "nul", "nul in ours"],
)
def test_text_that_no_column_holds_is_refused_even_where_it_would_not_be_written(
    lie: dict[str, Any],
) -> None:
    order = accepted(an_order())
    before = state_of(order)
    for report in (an_order_report(order, S.CANCELED, **lie), a_fill_report(order, 1, **lie)):
        with pytest.raises(ReportContradicts, match="the venue reports"):
            take_in(order, report)
    assert state_of(order) == before


def test_fill_finer_than_what_is_stored_is_kept_as_stored() -> None:
    order = accepted(an_order())
    report = a_fill_report(order, "0.12345678904", price=D("100.00000000006"), commission=D(0))
    fill, _ = fill_record(account=order.account, report=report)
    before = fill.quantity, fill.price
    fill.refresh_from_db()
    assert (fill.quantity, fill.price) == before == (D("0.1234567890"), D("100.0000000001"))


def test_average_price_of_many_fills_does_not_drift() -> None:
    order = accepted(an_order(quantity=D(9)))
    for number, price in enumerate((1, 1, 2, 1, 1, 2, 1, 1, 2)):
        fill_record(
            account=order.account,
            report=a_fill_report(order, 1, trade_id=f"t{number}", price=D(price)),
        )
    order.refresh_from_db()
    assert order.average_fill_price == D("1.3333333333")


def test_report_of_another_accounts_order_is_not_found() -> None:
    order, stranger = accepted(an_order()), TradingAccountFactory()
    before = state_of(order)
    with pytest.raises(OrderNotFound):
        order_report_record(account=stranger, report=an_order_report(order, S.CANCELED))
    with pytest.raises(OrderNotFound):
        fill_record(account=stranger, report=a_fill_report(order, 1))
    assert state_of(order) == before


def test_older_report_does_not_take_the_newer_terms_of_an_exit_back() -> None:
    entry = accepted(a_bracket())
    stop = entry.exits.get(role="STOP_LOSS")
    for minutes, quantity, price in ((5, 1, 99), (10, 2, 98), (5, 1, 99)):
        order_report_record(
            account=entry.account,
            report=an_order_report(
                stop,
                S.NEW,
                quantity=D(quantity),
                stop_price=D(price),
                occurred_at=AT + timedelta(minutes=minutes),
            ),
        )
    stop.refresh_from_db()
    assert (stop.quantity, stop.stop_price) == (D(2), D(98))
    assert stop.events.filter(kind="order.terms_set_by_venue").count() == 2


def test_replayed_report_smaller_than_what_has_filled_changes_nothing() -> None:
    entry = accepted(a_bracket())
    stop = entry.exits.get(role="STOP_LOSS")
    small, large = (
        an_order_report(stop, S.NEW, quantity=D(quantity), stop_price=D(99)) for quantity in (1, 2)
    )
    order_report_record(account=entry.account, report=small)
    order_report_record(account=entry.account, report=large)
    fill_record(account=entry.account, report=a_fill_report(stop, "1.5"))
    before = state_of(stop)
    order_report_record(account=entry.account, report=small)
    assert state_of(stop) == before
    assert stop.quantity == D(2)


def test_level_of_a_trailing_stop_is_the_venues_and_its_size_is_ours() -> None:
    trail = accepted(an_order(order_type=OrderType.TRAILING_STOP, trail_amount=D(5)))
    for minutes, level in ((5, 95), (10, 97), (5, 95)):
        report = an_order_report(
            trail,
            S.NEW,
            quantity=D(9),
            stop_price=D(level),
            occurred_at=AT + timedelta(minutes=minutes),
        )
        order_report_record(account=trail.account, report=report)
    trail.refresh_from_db()
    assert (trail.stop_price, trail.quantity) == (D(97), D(2))
    assert trail.events.filter(kind="order.terms_set_by_venue").count() == 2


def test_stop_price_of_other_orders_is_ours_and_never_the_venues() -> None:
    stop = accepted(an_order(order_type=OrderType.STOP, stop_price=D(105)))
    report = an_order_report(stop, S.NEW, stop_price=D(120))
    order_report_record(account=stop.account, report=report)
    stop.refresh_from_db()
    assert stop.stop_price == D(105)


def test_size_of_an_entry_is_ours_and_never_the_venues() -> None:
    entry = accepted(an_order(quantity=D(2)))
    order_report_record(account=entry.account, report=an_order_report(entry, S.NEW, quantity=D(9)))
    entry.refresh_from_db()
    assert entry.quantity == D(2)


@pytest.mark.parametrize("status", [S.CANCELED, S.REJECTED, S.EXPIRED])
def test_entry_that_the_venue_ended_unfilled_ends_the_exits_that_never_left(
    status: OrderStatus,
) -> None:
    entry = claimed(a_bracket())
    order_report_record(account=entry.account, report=an_order_report(entry, status))
    assert exits_of(entry) == {"STOP_LOSS": "CANCELED", "TAKE_PROFIT": "CANCELED"}


def test_entry_canceled_after_a_part_filled_leaves_its_exits_with_the_venue() -> None:
    entry = claimed(a_bracket())
    order_report_record(
        account=entry.account, report=an_order_report(entry, S.CANCELED, filled_quantity=D(1))
    )
    assert exits_of(entry) == {"STOP_LOSS": "PENDING_NEW", "TAKE_PROFIT": "PENDING_NEW"}
    fill_record(account=entry.account, report=a_fill_report(entry, 1))
    assert state_of(entry)[:2] == ("CANCELED", D(1))


def test_fill_that_arrives_before_the_acknowledgement_takes_the_exits_along() -> None:
    entry = claimed(a_bracket())
    fill_record(account=entry.account, report=a_fill_report(entry, 2))
    assert state_of(entry)[0] == "FILLED"
    assert exits_of(entry) == {"STOP_LOSS": "PENDING_NEW", "TAKE_PROFIT": "PENDING_NEW"}
    stop = entry.exits.get(role="STOP_LOSS")
    order_report_record(
        account=entry.account, report=an_order_report(stop, S.NEW, stop_price=D(99))
    )
    assert state_of(stop)[0] == "NEW"


def test_exit_of_an_exit_order_is_nobodys_concern() -> None:
    order = accepted(an_order(role=OrderRole.EXIT))
    fill_record(account=order.account, report=a_fill_report(order, 2))
    assert state_of(order)[0] == "FILLED"


def test_rejection_of_an_order_that_has_filled_is_refused() -> None:
    order = accepted(an_order())
    fill_record(account=order.account, report=a_fill_report(order, 1))
    assert order_cancel_request(order=order, reason="enough") is True
    before = state_of(order)
    with pytest.raises(IllegalTransition, match="PENDING_CANCEL to REJECTED"):
        order_report_record(account=order.account, report=an_order_report(order, S.REJECTED))
    assert state_of(order) == before


def test_outcome_that_a_report_has_told_meanwhile_is_not_made_unknown() -> None:
    order = accepted(an_order())
    before = state_of(order)
    order_mark_unknown(order=order, reason="the reply was lost")
    assert state_of(order) == before
    assert InstrumentFreeze.objects.exists() is False


def test_order_that_was_never_claimed_cannot_be_unknown() -> None:
    order = an_order()
    with pytest.raises(IllegalTransition, match="INTENT to UNKNOWN"):
        order_mark_unknown(order=order, reason="?")
    assert InstrumentFreeze.objects.exists() is False


def test_fill_tells_the_truth_about_an_unknown_order_and_thaws_its_instrument() -> None:
    order = claimed(an_order())
    order_mark_unknown(order=order, reason="timeout")
    fill_record(account=order.account, report=a_fill_report(order, 1))
    order.refresh_from_db()
    assert (order.status, order.unknown_since) == ("PARTIALLY_FILLED", None)
    assert InstrumentFreeze.objects.filter(released_at=None).exists() is False


def test_every_report_repeated_changes_nothing() -> None:
    entry = accepted(a_bracket())
    reports: list[OrderReport | FillReport] = [
        an_order_report(entry, S.PENDING_NEW),
        an_order_report(entry, S.NEW),
        a_fill_report(entry, 1, trade_id="t1"),
        an_order_report(entry, S.PARTIALLY_FILLED, filled_quantity=D(1)),
        a_fill_report(entry, 1, trade_id="t2"),
        an_order_report(entry, S.FILLED, filled_quantity=D(2)),
    ]
    for report in reports:
        take_in(entry, report)
    before = state_of(entry), Fill.objects.count(), OrderEvent.objects.count()
    assert before[0][0] == "FILLED"
    for report in [*reports, *reversed(reports)]:
        take_in(entry, report)
    assert (state_of(entry), Fill.objects.count(), OrderEvent.objects.count()) == before
