"""One request is one request, whatever the wire does; and its failure has one of five meanings."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from apps.brokers.bybit import client as client_module
from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.gateway import BybitGateway
from apps.brokers.bybit.hosts import Hosts
from apps.brokers.bybit.session import BybitSession
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.states import OrderStatus
from tests.brokers.bybit.conftest import no_circuit, no_limit
from tests.brokers.bybit.scripted import (
    RESET,
    SILENT_END,
    THEN_END,
    ScriptedVenue,
    answered,
    http,
    time_now,
)
from tests.brokers.bybit.test_terms import a_request

CREATE, REALTIME, HISTORY = "/v5/order/create", "/v5/order/realtime", "/v5/order/history"
EXECUTIONS, TIME = "/v5/execution/list", "/v5/market/time"
ID = "01JD7Z9K5Q8R7T6Y5UA"

BROKEN: dict[str, bytes] = {
    "reset": RESET,
    "closed without a word": SILENT_END,
    "empty 200": http(""),
    "HTML": http("<html><body>cloudflare</body></html>"),
    "no object": http("[1, 2]"),
    "a number": http("7"),
    "null": http("null"),
    "no retCode": http('{"result": {}}'),
    "retCode null": http('{"retCode": null, "result": {}}'),
    "retCode true": http('{"retCode": true, "retMsg": "x"}'),
    "retCode word": http('{"retCode": "what", "retMsg": "x"}'),
    "retCode without retMsg": http('{"retCode": 10001}'),
    "no result": http('{"retCode": 0, "retMsg": "OK"}'),
    "deeply nested": http("[" * 100_000),
    "no UTF-8": http(b"\xff\xfe\x00"),
    "cut short": THEN_END + b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "no HTTP": THEN_END + b"SSH-2.0-OpenSSH_9\r\n",
    "status 500": http("oops", status="500 Internal Server Error"),
    "status 502": http("<html>", status="502 Bad Gateway"),
    "status 503": http("", status="503 Service Unavailable"),
    "another order": answered({"orderId": "V1", "orderLinkId": "ANOTHER"}),
    "no order id": answered({"orderLinkId": ID}),
    "order id of a wrong type": answered({"orderId": 17, "orderLinkId": ID}),
    "code 10016": answered(code=10016, words="server error"),
    "code that nobody knows": answered(code=987654, words="?"),
    "code 10006": answered(code=10006, words="Too many visits!"),
    "10006 until a moment that has passed": answered(
        code=10006, headers="X-Bapi-Limit-Reset-Timestamp: 1600000000000\r\n"
    ),
    "status 429": http("", status="429 Too Many Requests"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_order_with_an_unreadable_answer_is_unknown_and_sent_once(
    gateway: BybitGateway, venue: ScriptedVenue, broken: str
) -> None:
    venue.says(CREATE, BROKEN[broken])
    with pytest.raises(OutcomeUnknown):
        gateway.order_place(a_request())
    assert len(venue.heard_at(CREATE)) == 1


@pytest.mark.parametrize("broken", sorted(set(BROKEN) - {"another order", "no order id"}))
def test_read_with_an_unreadable_answer_fails_and_is_never_an_empty_list(
    gateway: BybitGateway, venue: ScriptedVenue, broken: str
) -> None:
    for path in (REALTIME, HISTORY, EXECUTIONS, "/v5/position/list", "/v5/account/wallet-balance"):
        venue.says(path, BROKEN[broken])
    for read in (
        gateway.order_list_open,
        gateway.position_list,
        gateway.balance_list,
        lambda: gateway.reports_since(""),
        lambda: gateway.fill_list_since(""),
        lambda: gateway.order_find(client_order_id=ID, symbol="BYBIT:BTCUSDT.P"),
    ):
        with pytest.raises((Unavailable, Throttled)):
            read()


REFUSED: list[tuple[bytes, type[BrokerError]]] = [
    (answered(code=10001, words="params error"), Rejected),
    (answered(code="110007", words="ab not enough for new order"), Rejected),
    (answered(code=10003, words="API key is invalid."), AuthenticationFailed),
    (answered(code=33004, words="expired"), AuthenticationFailed),
    (
        answered(code=10002, words="invalid request, please check your server timestamp"),
        Unavailable,
    ),
    (answered(code=110079, words="processing"), Throttled),
    (http("", status="403 Forbidden"), Throttled),
    (http("", status="404 Not Found"), Rejected),
]


@pytest.mark.parametrize(("reply", "meaning"), REFUSED)
def test_order_that_is_refused_is_sent_once_and_has_the_tables_meaning(
    gateway: BybitGateway, venue: ScriptedVenue, reply: bytes, meaning: type[BrokerError]
) -> None:
    venue.says(CREATE, reply)
    with pytest.raises(meaning) as failure:
        gateway.order_place(a_request())
    assert type(failure.value) is meaning
    assert len(venue.heard_at(CREATE)) == 1


def test_venue_that_takes_no_connection_has_certainly_got_nothing(
    gateway: BybitGateway, venue: ScriptedVenue
) -> None:
    with port_without_a_listener() as url:
        session = gateway.session
        gone = BybitGateway(
            gateway.account,
            BybitSession(
                "gone",
                Hosts("testnet", url, "", ""),
                session.keys,
                permit=no_limit,
                circuit=no_circuit,
            ),
            reach=gateway.reach,
        )
        with pytest.raises(Unavailable, match="nothing was sent"):
            gone.order_place(a_request())


@contextmanager
def port_without_a_listener() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_answer_without_an_end_does_not_hold_the_worker(
    gateway: BybitGateway, venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "LARGEST_ANSWER", 100_000)
    venue.says(CREATE, http(b" " * 300_000))
    with pytest.raises(OutcomeUnknown):
        gateway.order_place(a_request())


def test_venue_that_never_answers_makes_the_outcome_unknown(
    gateway: BybitGateway, venue: ScriptedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.3)
    is_over = threading.Event()

    def silence() -> bytes:
        is_over.wait(10)
        return SILENT_END

    venue.says(CREATE, silence)
    client_module.CLIENTS.by_place.clear()
    with pytest.raises(OutcomeUnknown):
        gateway.order_place(a_request())
    is_over.set()
    client_module.CLIENTS.by_place.clear()
    assert len(venue.heard_at(CREATE)) == 1


def test_refused_address_stops_every_request_for_ten_minutes(
    gateway: BybitGateway, venue: ScriptedVenue
) -> None:
    venue.says(REALTIME, http("", status="403 Forbidden"))
    with pytest.raises(Throttled) as first:
        gateway.order_list_open()
    assert first.value.retry_after_seconds == 600
    heard = len(venue.heard)
    with pytest.raises(Throttled):
        gateway.order_place(a_request())
    with pytest.raises(Throttled):
        gateway.balance_list()
    assert len(venue.heard) == heard


@pytest.mark.parametrize("ahead_seconds", [-2.0, 6.0])
def test_order_is_not_sent_from_a_machine_whose_clock_is_off(
    gateway: BybitGateway, venue: ScriptedVenue, ahead_seconds: float
) -> None:
    venue.says(TIME, lambda: time_now(ahead_seconds=ahead_seconds))
    with pytest.raises(Unavailable, match=r"clock is .* s (ahead of|behind) Bybit's"):
        gateway.order_place(a_request())
    assert venue.heard_at(CREATE) == []


def test_small_offset_of_the_clock_is_no_trouble_and_asked_for_once(
    gateway: BybitGateway, venue: ScriptedVenue
) -> None:
    venue.says(TIME, lambda: time_now(ahead_seconds=0.3))
    venue.says(CREATE, answered({"orderId": "V1", "orderLinkId": ID}))
    for _ in range(3):
        assert gateway.order_place(a_request()).status is OrderStatus.PENDING_NEW
    assert len(venue.heard_at(TIME)) == 1


@pytest.mark.parametrize("nanoseconds", [None, "", "17", "x" * 19, 1.5])
def test_unreadable_time_of_the_venue_lets_nothing_out(
    gateway: BybitGateway, venue: ScriptedVenue, nanoseconds: Any
) -> None:
    venue.says(TIME, answered({"timeSecond": "1", "timeNano": nanoseconds}))
    with pytest.raises(Unavailable):
        gateway.order_place(a_request())
    assert venue.heard_at(CREATE) == []


def test_wire_carries_texts_and_our_id(gateway: BybitGateway, venue: ScriptedVenue) -> None:
    venue.says(CREATE, answered({"orderId": "V1", "orderLinkId": ID}))
    report = gateway.order_place(a_request(quantity=Decimal("0.00001")))
    [request] = venue.heard_at(CREATE)
    body = json.loads(request.body)
    assert (body["qty"], body["price"], body["orderLinkId"]) == ("0.00001", "61000.1", ID)
    assert (report.status, report.venue_order_id) == (OrderStatus.PENDING_NEW, "V1")


def test_used_id_is_looked_up_and_never_sent_again(
    gateway: BybitGateway, venue: ScriptedVenue
) -> None:
    for code in (110072, 170141):
        venue.says(CREATE, answered(code=code, words="OrderLinkedID is duplicate"))
        with pytest.raises(OutcomeUnknown, match="does not find it"):
            gateway.order_place(a_request())
    assert len(venue.heard_at(CREATE)) == 2
    for path in (REALTIME, HISTORY, EXECUTIONS):
        assert all(f"orderLinkId={ID}" in request.query for request in venue.heard_at(path)[-1:])


def test_threads_speak_over_connections_of_their_own(session: BybitSession) -> None:
    def mine(_: int) -> int:
        session.ask(Ask.ORDERS, lambda result: result, category="linear")
        time.sleep(0.05)
        return id(client_module.CLIENTS.of(url=session.hosts.rest, keys=session.keys))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(mine, range(4)))) == 4
