"""The contract that every broker adapter passes: what the desk relies on, whoever the broker is."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.orders.domain.ports import BrokerError, BrokerGateway, OutcomeUnknown, Rejected
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    AttachedExit,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from tests.contracts.broker import BrokerUnderTest, a_resting_order, an_order

D = Decimal
S = OrderStatus


def found(broker: BrokerUnderTest, key: str) -> OrderReport:
    report = broker.gateway.order_find(client_order_id=key, symbol=broker.symbol)
    assert report is not None
    return report


def open_ids(broker: BrokerUnderTest) -> list[str]:
    return sorted(order.client_order_id for order in broker.gateway.order_list_open())


def all_fills(broker: BrokerUnderTest) -> list[FillReport]:
    fills: list[FillReport] = []
    cursor = ""
    while True:
        page, following = broker.gateway.fill_list_since(cursor)
        fills += page
        if following == cursor:
            return fills
        cursor = following


def all_reports(broker: BrokerUnderTest, start: str = "") -> list[OrderReport | FillReport]:
    reports: list[OrderReport | FillReport] = []
    page = broker.gateway.reports_since(start)
    reports += page.reports
    while page.has_more:
        page = broker.gateway.reports_since(page.cursor)
        reports += page.reports
    return reports


def held(broker: BrokerUnderTest) -> Decimal:
    return sum((row.quantity for row in broker.gateway.position_list()), D(0))


def cash(broker: BrokerUnderTest) -> Decimal:
    [balance] = broker.gateway.balance_list()
    assert balance.currency == broker.currency
    return balance.cash


def trade(broker: BrokerUnderTest, key: str, side: Side, quantity: str = "1") -> None:
    broker.gateway.order_place(an_order(broker, key, side=side, quantity=D(quantity)))
    broker.market_trades(100)


def test_accepted_order_is_reported_found_and_listed_alike(broker: BrokerUnderTest) -> None:
    placed = broker.gateway.order_place(a_resting_order(broker))
    assert (placed.client_order_id, placed.symbol) == ("L1", broker.symbol)
    assert (placed.side, placed.quantity, placed.filled_quantity) == (Side.BUY, D(1), D(0))
    assert (placed.status, placed.limit_price) == (S.NEW, D(90))
    assert placed.venue_order_id
    assert placed.occurred_at.utcoffset() == timedelta(0)
    [listed] = broker.gateway.order_list_open()
    assert found(broker, "L1") == listed == placed


def test_order_that_the_broker_does_not_know_is_none(broker: BrokerUnderTest) -> None:
    looked_up = broker.gateway.order_find(client_order_id="NOBODY", symbol=broker.symbol)
    assert looked_up is None
    broker.gateway.order_place(a_resting_order(broker))
    looked_up = broker.gateway.order_find(client_order_id="L", symbol=broker.symbol)
    assert looked_up is None


def test_flat_account_has_no_orders_fills_positions_or_reports(broker: BrokerUnderTest) -> None:
    assert broker.gateway.order_list_open() == []
    assert broker.gateway.position_list() == []
    assert broker.gateway.fill_list_since("") == ([], "")
    page = broker.gateway.reports_since("")
    assert (page.reports, page.cursor, page.has_more) == ((), "", False)
    assert cash(broker) > 0


def test_market_order_fills_and_every_book_tells_the_same(broker: BrokerUnderTest) -> None:
    before = cash(broker)
    trade(broker, "A1", Side.BUY, "2")
    order = found(broker, "A1")
    assert (order.status, order.filled_quantity, order.quantity) == (S.FILLED, D(2), D(2))
    assert open_ids(broker) == []
    fills = all_fills(broker)
    assert sum(fill.quantity for fill in fills) == D(2)
    for fill in fills:
        assert (fill.client_order_id, fill.venue_order_id) == ("A1", order.venue_order_id)
        assert (fill.symbol, fill.side) == (broker.symbol, Side.BUY)
        assert fill.price > 0
        assert fill.trade_id
        assert fill.commission_currency == broker.currency
        assert fill.executed_at.utcoffset() == timedelta(0)
    [position] = broker.gateway.position_list()
    assert (position.symbol, position.quantity) == (broker.symbol, D(2))
    worth = sum(fill.quantity * fill.price for fill in fills)
    assert position.average_entry_price == worth / 2
    paid = worth if broker.price_moves_cash else D(0)
    assert cash(broker) == before - paid - sum(fill.commission for fill in fills)


def test_reports_tell_of_the_order_and_of_each_execution_once(broker: BrokerUnderTest) -> None:
    trade(broker, "A1", Side.BUY)
    reports = all_reports(broker)
    assert {report.client_order_id for report in reports} == {"A1"}
    assert [item for item in reports if isinstance(item, FillReport)] == all_fills(broker)
    told = [item.status for item in reports if isinstance(item, OrderReport)]
    assert S.NEW in told or S.FILLED in told


def test_short_position_is_negative_and_a_flat_one_is_left_out(broker: BrokerUnderTest) -> None:
    trade(broker, "A1", Side.SELL)
    assert held(broker) == D(-1)
    trade(broker, "A2", Side.BUY)
    assert broker.gateway.position_list() == []


def test_round_trip_moves_cash_by_its_result_and_its_commission(broker: BrokerUnderTest) -> None:
    before = cash(broker)
    trade(broker, "A1", Side.BUY, "3")
    broker.market_trades(110)
    broker.gateway.order_place(an_order(broker, "A2", side=Side.SELL, quantity=D(3)))
    broker.market_trades(110)
    moved = sum(
        -fill.side.sign * fill.quantity * fill.price - fill.commission for fill in all_fills(broker)
    )
    assert held(broker) == 0
    assert cash(broker) == before + moved


def test_resting_order_fills_when_the_market_reaches_it_at_its_price_or_better(
    broker: BrokerUnderTest,
) -> None:
    broker.gateway.order_place(a_resting_order(broker))
    broker.market_trades(95)
    assert open_ids(broker) == ["L1"]
    broker.market_trades(89)
    assert found(broker, "L1").status is S.FILLED
    [fill] = all_fills(broker)
    assert fill.price <= D(90)


def test_id_that_is_taken_makes_no_second_order(broker: BrokerUnderTest) -> None:
    if not broker.gateway.capabilities.deduplicates:
        pytest.skip("this broker takes an id twice; the desk never resends there")
    first = broker.gateway.order_place(a_resting_order(broker))
    again = broker.gateway.order_place(a_resting_order(broker))
    other = broker.gateway.order_place(a_resting_order(broker, quantity=D(5)))
    assert again == other == first
    assert open_ids(broker) == ["L1"]
    broker.market_trades(80)
    broker.gateway.order_place(a_resting_order(broker))
    assert held(broker) == D(1)


def test_canceled_order_works_no_more(broker: BrokerUnderTest) -> None:
    broker.gateway.order_place(a_resting_order(broker))
    answer = broker.gateway.order_cancel(client_order_id="L1", symbol=broker.symbol)
    assert answer.client_order_id == "L1"
    assert answer.status in {S.CANCELED, S.PENDING_CANCEL}
    assert found(broker, "L1").status is S.CANCELED
    assert open_ids(broker) == []
    broker.market_trades(80)
    assert held(broker) == 0


def test_cancel_of_an_order_that_has_ended_tells_how_it_ended(broker: BrokerUnderTest) -> None:
    broker.gateway.order_place(a_resting_order(broker))
    for _ in range(2):
        answer = broker.gateway.order_cancel(client_order_id="L1", symbol=broker.symbol)
    assert answer.status is S.CANCELED
    trade(broker, "A1", Side.BUY)
    answer = broker.gateway.order_cancel(client_order_id="A1", symbol=broker.symbol)
    assert (answer.status, answer.filled_quantity) == (S.FILLED, D(1))


def test_cancel_of_an_unknown_order_is_rejected_with_a_code(broker: BrokerUnderTest) -> None:
    with pytest.raises(Rejected) as refusal:
        broker.gateway.order_cancel(client_order_id="NOBODY", symbol=broker.symbol)
    assert refusal.value.code
    assert str(refusal.value)


def test_cancel_of_all_leaves_none_open(broker: BrokerUnderTest) -> None:
    for number in range(3):
        broker.gateway.order_place(a_resting_order(broker, f"L{number}"))
    assert broker.gateway.order_cancel_all(symbol="TEST:ELSEWHERE") == 0
    assert open_ids(broker) == ["L0", "L1", "L2"]
    asked, deadline = 0, time.monotonic() + 10
    while open_ids(broker):  # a venue may list for a moment what it is about to end
        assert time.monotonic() < deadline
        asked += broker.gateway.order_cancel_all(symbol=broker.symbol)
    assert asked == 3
    assert broker.gateway.order_cancel_all() == 0
    assert {found(broker, f"L{number}").status for number in range(3)} == {S.CANCELED}


WRONG: list[dict[str, Any]] = [
    {"quantity": D("0.15")},
    {"quantity": D(0)},
    {"quantity": D(-1)},
    {"limit_price": D("90.05")},
    {"limit_price": D(-1)},
    {"limit_price": None},
    {"symbol": "TEST:NOWHERE"},
    {"order_type": OrderType.STOP, "limit_price": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_order_against_the_rules_is_rejected_with_a_code_and_leaves_no_trace(
    broker: BrokerUnderTest, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Rejected) as refusal:
        broker.gateway.order_place(replace(a_resting_order(broker), **wrong))
    assert refusal.value.code
    assert str(refusal.value)
    assert broker.gateway.order_find(client_order_id="L1", symbol=broker.symbol) is None
    assert open_ids(broker) == []
    assert all_reports(broker) == []


def test_what_the_broker_does_not_offer_is_rejected_and_never_taken_for_something_else(
    broker: BrokerUnderTest,
) -> None:
    offered = broker.gateway.capabilities
    asked: list[dict[str, Any]] = [
        {"order_type": word, "stop_price": D(95), "trail_ratio": D("0.1")}
        for word in set(OrderType) - offered.order_types
    ]
    asked += [
        {"time_in_force": word, "expires_at": broker.moment + timedelta(days=36_500)}
        for word in set(TimeInForce) - offered.times_in_force
    ]
    if not offered.post_only:
        asked.append({"post_only": True})
    for terms in asked:
        with pytest.raises(Rejected) as refusal:
            broker.gateway.order_place(replace(a_resting_order(broker), **terms))
        assert refusal.value.code, terms
    assert open_ids(broker) == []


def test_order_whose_answer_was_lost_is_found(broker: BrokerUnderTest) -> None:
    broker.answer_lose()
    with pytest.raises(OutcomeUnknown):
        broker.gateway.order_place(a_resting_order(broker))
    report = found(broker, "L1")
    assert (report.status, report.quantity) == (S.NEW, D(1))
    assert open_ids(broker) == ["L1"]
    if broker.gateway.capabilities.deduplicates:
        assert broker.gateway.order_place(a_resting_order(broker)) == report
        assert open_ids(broker) == ["L1"]


def test_market_order_whose_answer_was_lost_is_found_and_fills_once(
    broker: BrokerUnderTest,
) -> None:
    broker.answer_lose()
    with pytest.raises(OutcomeUnknown):
        broker.gateway.order_place(an_order(broker))
    broker.market_trades(100)
    assert found(broker, "A1").status is S.FILLED
    assert held(broker) == D(1)


def test_new_session_sees_what_an_earlier_one_has_done(broker: BrokerUnderTest) -> None:
    first, second = broker.gateway, broker.gateway
    placed = first.order_place(a_resting_order(broker))
    assert second.order_find(client_order_id="L1", symbol=broker.symbol) == placed
    second.order_cancel(client_order_id="L1", symbol=broker.symbol)
    assert first.order_list_open() == []


def test_reports_come_page_by_page_each_once_and_again_from_any_cursor(
    broker: BrokerUnderTest,
) -> None:
    for number in range(230):
        broker.gateway.order_place(a_resting_order(broker, f"L{number}"))
    pages = [broker.gateway.reports_since("")]
    while pages[-1].has_more:
        pages.append(broker.gateway.reports_since(pages[-1].cursor))
    cursors = [page.cursor for page in pages]
    assert len(set(cursors)) == len(cursors)
    ids = [report.client_order_id for page in pages for report in page.reports]
    assert list(dict.fromkeys(ids)) == [f"L{number}" for number in range(230)]
    assert len(ids) == len(all_reports(broker))
    end = broker.gateway.reports_since(cursors[-1])
    assert (end.reports, end.cursor, end.has_more) == ((), cursors[-1], False)
    assert [broker.gateway.reports_since(cursor) for cursor in ["", *cursors[:-1]]] == pages
    trade(broker, "A1", Side.BUY)
    fresh = all_reports(broker, start=cursors[-1])
    assert {report.client_order_id for report in fresh} == {"A1"}


def test_fills_come_page_by_page_each_once_and_again_from_any_cursor(
    broker: BrokerUnderTest,
) -> None:
    for number in range(30):
        broker.gateway.order_place(an_order(broker, f"A{number}"))
    broker.market_trades(100)
    fills = all_fills(broker)
    assert len({(fill.client_order_id, fill.trade_id) for fill in fills}) == len(fills)
    assert {fill.client_order_id for fill in fills} == {f"A{number}" for number in range(30)}
    cursor = ""
    while (following := broker.gateway.fill_list_since(cursor)[1]) != cursor:
        cursor = following
    assert broker.gateway.fill_list_since(cursor) == ([], cursor)
    trade(broker, "B1", Side.SELL)
    assert {fill.client_order_id for fill in broker.gateway.fill_list_since(cursor)[0]} == {"B1"}
    assert all_fills(broker)[: len(fills)] == fills


READS: dict[str, Callable[[BrokerGateway, str], object]] = {
    "find": lambda gateway, symbol: gateway.order_find(client_order_id="L1", symbol=symbol),
    "open": lambda gateway, _: gateway.order_list_open(),
    "reports": lambda gateway, _: gateway.reports_since(""),
    "fills": lambda gateway, _: gateway.fill_list_since(""),
    "positions": lambda gateway, _: gateway.position_list(),
    "balances": lambda gateway, _: gateway.balance_list(),
}


@pytest.mark.parametrize("read", READS)
def test_read_that_fails_raises_and_is_never_an_empty_answer(
    broker: BrokerUnderTest, read: str
) -> None:
    broker.cut_off()
    with pytest.raises(BrokerError):
        READS[read](broker.gateway, broker.symbol)


def test_amended_order_keeps_its_id_and_works_on_its_new_terms(broker: BrokerUnderTest) -> None:
    if not broker.gateway.capabilities.amends:
        pytest.skip("this broker amends nothing; the desk cancels and sends anew")
    broker.gateway.order_place(a_resting_order(broker))
    amendment = OrderAmendment(
        client_order_id="L1", symbol=broker.symbol, quantity=D(2), limit_price=D(91)
    )
    answer = broker.gateway.order_amend(amendment)
    assert (answer.client_order_id, answer.quantity, answer.limit_price) == ("L1", D(2), D(91))
    report = found(broker, "L1")
    assert (report.status, report.quantity, report.limit_price) == (S.NEW, D(2), D(91))
    broker.market_trades(91)
    assert held(broker) == D(2)


def test_amendment_that_is_rejected_leaves_the_order_as_it_was(broker: BrokerUnderTest) -> None:
    if not broker.gateway.capabilities.amends:
        pytest.skip("this broker amends nothing; the desk cancels and sends anew")
    placed = broker.gateway.order_place(a_resting_order(broker))
    changes: list[dict[str, Any]] = [{"limit_price": D("90.05")}, {"quantity": D("0.15")}]
    for wrong in changes:
        amendment = OrderAmendment(client_order_id="L1", symbol=broker.symbol, **wrong)
        with pytest.raises(Rejected) as refusal:
            broker.gateway.order_amend(amendment)
        assert refusal.value.code
    assert found(broker, "L1") == placed
    trade(broker, "A1", Side.BUY)
    with pytest.raises(Rejected):
        broker.gateway.order_amend(
            OrderAmendment(client_order_id="A1", symbol=broker.symbol, quantity=D(5))
        )


@pytest.mark.parametrize("word", [TimeInForce.IOC, TimeInForce.FOK])
def test_order_for_the_moment_only_does_not_rest(
    broker: BrokerUnderTest, word: TimeInForce
) -> None:
    if word not in broker.gateway.capabilities.times_in_force:
        pytest.skip(f"this broker offers no {word}")
    broker.gateway.order_place(a_resting_order(broker, time_in_force=word))
    broker.market_trades(100)
    assert found(broker, "L1").status in {S.CANCELED, S.EXPIRED}
    broker.market_trades(80)
    assert held(broker) == 0


def test_attached_exits_protect_what_the_entry_has_opened(broker: BrokerUnderTest) -> None:
    exits = (
        AttachedExit(client_order_id="SL", role=OrderRole.STOP_LOSS, distance_ratio=D("0.1")),
        AttachedExit(client_order_id="TP", role=OrderRole.TAKE_PROFIT, distance_ratio=D("0.1")),
    )
    entry = an_order(broker, quantity=D(2), attached=exits)
    if not broker.gateway.capabilities.attached_exits:
        with pytest.raises(Rejected):
            broker.gateway.order_place(entry)
        assert broker.gateway.order_find(client_order_id="A1", symbol=broker.symbol) is None
        return
    broker.gateway.order_place(entry)
    broker.market_trades(100)
    assert open_ids(broker) == ["SL", "TP"]
    stop, target = found(broker, "SL"), found(broker, "TP")
    assert (stop.side, stop.quantity, stop.status) == (Side.SELL, D(2), S.NEW)
    assert stop.stop_price is not None
    assert target.limit_price is not None
    assert stop.stop_price < 100 < target.limit_price
    broker.market_trades(89)
    assert (found(broker, "SL").status, found(broker, "TP").status) == (S.FILLED, S.CANCELED)
    assert held(broker) == 0
