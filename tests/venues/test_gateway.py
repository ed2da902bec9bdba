"""The loopback adapter: what the desk asks arrives whole, and what the venue tells comes back."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.orders.domain.ports import (
    OutcomeUnknown,
    Rejected,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    AttachedExit,
    BalanceReport,
    FillReport,
    OrderAmendment,
    OrderReport,
    OrderRole,
    OrderType,
    PositionReport,
    Side,
    TimeInForce,
)
from tests.venues.lines import CALLS, SYMBOL, gateway_to, limit, request
from tests.venues.loopback.capabilities import (
    capabilities_dump,
    capabilities_load,
    capabilities_of,
)
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.history import check_venue
from tests.venues.loopback.process import LoopbackVenue
from tests.venues.loopback.terms import VenueSettings

D = Decimal
S = OrderStatus


def test_order_travels_with_all_its_terms(gateway: LoopbackGateway, venue: LoopbackVenue) -> None:
    terms = request(
        side=Side.SELL,
        order_type=OrderType.STOP_LIMIT,
        quantity=D("1E+2"),
        time_in_force=TimeInForce.GTD,
        limit_price=D("89.50"),
        stop_price=D("90"),
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        reduce_only=True,
    )
    report = gateway.order_place(terms)
    assert (report.status, report.quantity, report.limit_price, report.stop_price) == (
        *(S.NEW, D(100)),
        *(D("89.5"), D(90)),
    )
    [accepted] = venue.journal().of_kind("accepted")
    assert accepted["terms"] == {
        "client_order_id": "A1",
        "symbol": SYMBOL,
        "side": "SELL",
        "order_type": "STOP_LIMIT",
        "time_in_force": "GTD",
        "quantity": "100",
        "limit_price": "89.5",
        "stop_price": "90",
        "expires_at": "2100-01-01T00:00:00+00:00",
        "post_only": False,
        "reduce_only": True,
    }


def test_fill_position_and_balance_come_back_as_exact_values(gateway: LoopbackGateway) -> None:
    report = gateway.order_place(request(quantity=D("0.3")))
    assert (report.status, report.filled_quantity) == (S.FILLED, D("0.3"))
    [fill], cursor = gateway.fill_list_since("")
    assert isinstance(fill, FillReport)
    assert (fill.quantity, fill.price, fill.commission) == (D("0.3"), D(100), D("0.015"))
    assert gateway.fill_list_since(cursor) == ([], cursor)
    assert gateway.position_list() == [
        PositionReport(symbol=SYMBOL, quantity=D("0.3"), average_entry_price=D(100))
    ]
    assert gateway.balance_list() == [BalanceReport(currency="USDT", cash=D("999999.985"))]


def test_reports_are_read_page_by_page(gateway: LoopbackGateway, venue: LoopbackVenue) -> None:
    venue.control("settings", page_size=2)
    empty = gateway.reports_since("")
    assert (empty.reports, empty.cursor, empty.has_more) == ((), "", False)
    gateway.order_place(request())
    first = gateway.reports_since("")
    second = gateway.reports_since(first.cursor)
    assert (first.has_more, second.has_more) == (True, False)
    kinds = [type(report) for report in (*first.reports, *second.reports)]
    assert kinds == [OrderReport, FillReport, OrderReport]
    last = gateway.reports_since(second.cursor)
    assert (last.reports, last.cursor) == ((), second.cursor)


def test_working_orders_are_read_to_the_last_page(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    venue.control("settings", open_page_size=2)
    for number in range(5):
        gateway.order_place(limit(f"L{number}"))
    found = [order.client_order_id for order in gateway.order_list_open()]
    assert found == ["L0", "L1", "L2", "L3", "L4"]


def test_amend_cancel_and_cancel_all_tell_what_came_of_them(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    venue.control("settings", cancel_all_batch=2)
    for number in range(4):
        gateway.order_place(limit(f"L{number}"))
    amended = gateway.order_amend(
        OrderAmendment(client_order_id="L0", symbol=SYMBOL, limit_price=D(91))
    )
    assert (amended.limit_price, amended.quantity) == (D(91), D(1))
    canceled = gateway.order_cancel(client_order_id="L0", symbol=SYMBOL)
    assert canceled.status is S.CANCELED
    assert [gateway.order_cancel_all(symbol=SYMBOL) for _ in range(3)] == [2, 1, 0]
    assert gateway.order_list_open() == []


def test_order_that_the_venue_does_not_know_is_none_and_a_closed_one_is_found(
    gateway: LoopbackGateway,
) -> None:
    assert gateway.order_find(client_order_id="A1", symbol=SYMBOL) is None
    gateway.order_place(request())
    found = gateway.order_find(client_order_id="A1", symbol=SYMBOL)
    assert found is not None
    assert found.status is S.FILLED


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda gateway: gateway.order_place(request(quantity=D(0))), "LOT"),
        (lambda gateway: gateway.order_cancel(client_order_id="X", symbol=SYMBOL), "NOT_FOUND"),
        (CALLS["AMEND"], "NOT_FOUND"),
    ],
)
def test_refusal_carries_the_venues_code(
    gateway: LoopbackGateway, call: Callable[[LoopbackGateway], object], code: str
) -> None:
    with pytest.raises(Rejected) as refusal:
        call(gateway)
    assert refusal.value.code == code


def test_attached_exits_are_refused_before_anything_is_sent(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    stop = AttachedExit(client_order_id="SL", role=OrderRole.STOP_LOSS, distance_ratio=D("0.01"))
    with pytest.raises(Rejected) as refusal:
        gateway.order_place(request(attached=(stop,)))
    assert refusal.value.code == "ATTACHED"
    assert list(venue.journal().requests("PLACE")) == []


def test_second_placing_of_an_order_tells_where_the_first_stands(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    first = gateway.order_place(request())
    again = gateway.order_place(request())
    assert again.venue_order_id == first.venue_order_id
    assert len(list(venue.journal().of_kind("accepted"))) == 1


def test_id_that_is_refused_as_used_and_not_found_leaves_the_outcome_open(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    gateway.order_place(request())
    venue.fault("MALFORMED", endpoint="FIND", body='{"orders": []}')
    with pytest.raises(OutcomeUnknown, match="does not find it"):
        gateway.order_place(request())


def test_order_that_the_venue_took_twice_is_no_single_report(venue: LoopbackVenue) -> None:
    venue.control("settings", deduplication="OFF")
    gateway = gateway_to(venue.url, capabilities=capabilities_of(venue.settings()))
    assert not gateway.capabilities.deduplicates
    assert gateway.capabilities.absence_window_seconds is None
    for _ in range(2):
        gateway.order_place(limit())
    with pytest.raises(OutcomeUnknown, match="holds 2 orders"):
        gateway.order_find(client_order_id="L1", symbol=SYMBOL)
    assert [violation.wrong for violation in check_venue(venue.journal())] == [
        *("ACCEPTED_TWICE", "SENT_AFTER_ACCEPTANCE"),
    ]


def test_one_thread_keeps_one_connection_and_restarting_the_venue_costs_no_answer(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    for number in range(3):
        gateway.order_place(limit(f"L{number}"))
    venue.restart()
    assert len(gateway.order_list_open()) == 3


def test_child_of_a_fork_opens_its_own_connection(gateway: LoopbackGateway) -> None:
    gateway.order_place(limit("L0"))
    child = os.fork()
    if child == 0:
        try:
            gateway.order_place(limit("L1"))
        except BaseException:  # noqa: BLE001  a child must never return into the test run
            os._exit(1)
        os._exit(0)
    gateway.order_place(limit("L2"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {order.client_order_id for order in gateway.order_list_open()} == {"L0", "L1", "L2"}


def test_many_threads_place_at_once_and_each_order_is_taken_once(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        reports = list(pool.map(lambda n: gateway.order_place(request(f"C{n}")), range(200)))
    assert {report.status for report in reports} == {S.FILLED}
    assert gateway.position_list()[0].quantity == 200
    assert check_venue(venue.journal()) == []


def test_same_order_from_many_threads_is_taken_once(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    start = threading.Barrier(6)

    def place(number: int) -> OrderReport:
        start.wait()
        return gateway.order_place(request())

    with ThreadPoolExecutor(max_workers=6) as pool:
        reports = list(pool.map(place, range(6)))
    assert len({report.venue_order_id for report in reports}) == 1
    assert len(list(venue.journal().of_kind("accepted"))) == 1


def test_gateway_takes_address_and_promises_from_the_environment(
    venue: LoopbackVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised = capabilities_of(
        VenueSettings(amends=False, post_only=False), market_orders_by_algo=False
    )
    monkeypatch.setenv("LOOPBACK_URL", venue.url)
    monkeypatch.setenv("LOOPBACK_CAPABILITIES", capabilities_dump(promised))
    monkeypatch.setenv("LOOPBACK_TIMEOUT_SECONDS", "2")
    gateway = LoopbackGateway(TradingAccount(name="desk-2", broker="BYBIT"))
    assert (gateway.capabilities, gateway.timeout_seconds) == (promised, 2.0)
    assert gateway.order_place(request()).status is S.FILLED
    monkeypatch.delenv("LOOPBACK_URL")
    with pytest.raises(LookupError, match="LOOPBACK_URL must name the loopback venue"):
        LoopbackGateway(TradingAccount(name="desk-2", broker="BYBIT"))


def test_promises_come_through_the_environment_unchanged() -> None:
    promised = capabilities_of(VenueSettings(), absence_window_seconds=1.5)
    assert capabilities_load(capabilities_dump(promised)) == promised
    assert not promised.attached_exits


def test_venue_time_is_utc_and_close_to_ours(gateway: LoopbackGateway) -> None:
    report = gateway.order_place(request())
    assert report.occurred_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - report.occurred_at) < timedelta(seconds=30)
