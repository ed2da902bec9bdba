"""The loopback adapter: each failure on the wire has one of the five meanings, and no other."""

import itertools
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps.orders.domain.ports import (
    AuthenticationFailed,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)
from apps.orders.domain.states import OrderStatus
from tests.venues.lines import CALLS, SYMBOL, Line, gateway_to, limit, request
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

S = OrderStatus
_numbers = itertools.count(1)
every_call = pytest.mark.parametrize("endpoint", list(CALLS))


@pytest.fixture(scope="module")
def shared_venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackVenue]:
    """One venue for the tests that only need an account and faults of their own."""
    with loopback_venue(tmp_path_factory.mktemp("shared") / "journal") as running:
        running.price(SYMBOL, 100)
        yield running


@pytest.fixture
def line(shared_venue: LoopbackVenue) -> "Line":
    return Line(shared_venue, gateway_to(shared_venue.url, name=f"desk-{next(_numbers)}"))


@every_call
def test_venue_that_does_not_listen_is_unavailable(endpoint: str) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        gateway = gateway_to(f"http://127.0.0.1:{unheard.getsockname()[1]}")
        with pytest.raises(Unavailable):
            CALLS[endpoint](gateway)


def test_venue_that_was_killed_is_unavailable(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    gateway.order_place(request())
    venue.kill()
    with pytest.raises(Unavailable):
        gateway.order_place(request("A2"))


@every_call
@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "DROP_BEFORE"},
        {"fault": "DROP_AFTER"},
        {"fault": "ERROR_BEFORE", "status": 503},
        {"fault": "ERROR_AFTER", "status": 502},
        {"fault": "MALFORMED"},
        {"fault": "MALFORMED", "body": "[]"},
        {"fault": "MALFORMED", "body": "{}"},
        {"fault": "TRUNCATED"},
    ],
    ids=lambda rule: "-".join(str(value) for value in rule.values()),
)
def test_lost_or_garbled_answer_leaves_the_outcome_open(
    line: Line, endpoint: str, rule: dict[str, Any]
) -> None:
    line.gateway.order_place(limit("L0"))
    line.fault(endpoint=endpoint, **rule)
    with pytest.raises(OutcomeUnknown):
        CALLS[endpoint](line.gateway)
    assert line.count("request", endpoint) == (2 if endpoint == "PLACE" else 1)


@every_call
def test_throttle_carries_its_pause_and_a_refused_key_its_meaning(
    line: Line, endpoint: str
) -> None:
    line.fault("THROTTLE", endpoint=endpoint, retry_after="2.5")
    with pytest.raises(Throttled) as throttled:
        CALLS[endpoint](line.gateway)
    assert throttled.value.retry_after_seconds == 2.5
    line.fault("UNAUTHORIZED", endpoint=endpoint)
    with pytest.raises(AuthenticationFailed):
        CALLS[endpoint](line.gateway)
    assert line.count("accepted") == 0


@pytest.mark.parametrize(
    ("said", "pause"),
    [("soon", 1.0), ("-5", 1.0), ("nan", 1.0), ("inf", 1.0), ("9e9", 60.0), ("0", 0.0)],
)
def test_pause_beyond_reason_is_brought_within_it(line: Line, said: str, pause: float) -> None:
    line.fault("THROTTLE", retry_after=said)
    with pytest.raises(Throttled) as throttled:
        line.gateway.balance_list()
    assert throttled.value.retry_after_seconds == pause


def test_order_whose_answer_was_lost_is_there_and_found(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    venue.fault("DROP_AFTER", endpoint="PLACE")
    with pytest.raises(OutcomeUnknown):
        gateway.order_place(request())
    found = gateway.order_find(client_order_id="A1", symbol=SYMBOL)
    assert found is not None
    assert found.status is S.FILLED


def test_order_that_was_dropped_before_acceptance_is_not_there(
    gateway: LoopbackGateway, venue: LoopbackVenue
) -> None:
    venue.fault("DROP_BEFORE", endpoint="PLACE")
    with pytest.raises(OutcomeUnknown):
        gateway.order_place(request())
    assert gateway.order_find(client_order_id="A1", symbol=SYMBOL) is None


def test_answer_that_takes_too_long_leaves_the_outcome_open(venue: LoopbackVenue) -> None:
    gateway = gateway_to(venue.url, timeout_seconds=0.2)
    venue.fault("DELAY_AFTER", endpoint="PLACE", seconds=1.0)
    with pytest.raises(OutcomeUnknown, match="TimeoutError"):
        gateway.order_place(request())
    assert gateway.order_find(client_order_id="A1", symbol=SYMBOL) is not None


def test_silent_port_is_unknown_and_a_closed_one_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gateway = gateway_to(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_seconds=0.2)
        with pytest.raises(OutcomeUnknown):
            gateway.order_place(request())
    with pytest.raises(Unavailable):
        gateway_to(gateway.base_url, timeout_seconds=0.3).order_place(request())


GOOD = {
    "type": "ORDER",
    "client_order_id": "A1",
    "venue_order_id": "V1",
    "symbol": SYMBOL,
    "side": "BUY",
    "quantity": "1",
    "status": "NEW",
    "filled_quantity": "0",
    "occurred_at": "2026-01-01T00:00:00+00:00",
    "limit_price": None,
    "stop_price": None,
    "text": "",
}


@pytest.mark.parametrize(
    "lie",
    [
        {"client_order_id": "A2"},
        {"symbol": "ETHUSDT"},
        {"venue_order_id": ""},
        {"venue_order_id": "x" * 65},
        {"venue_order_id": 7},
        {"side": "HOLD"},
        {"side": None},
        {"status": "INTENT"},
        {"status": "MAYBE"},
        {"quantity": "NaN"},
        {"quantity": "Infinity"},
        {"quantity": "1e3"},
        {"quantity": "-1"},
        {"quantity": 1},
        {"quantity": "1" * 19},
        {"quantity": "\N{ARABIC-INDIC DIGIT ONE}"},
        {"filled_quantity": "-0.1"},
        {"limit_price": "0"},
        {"stop_price": "-3"},
        {"occurred_at": "2026-01-01T00:00:00"},
        {"occurred_at": "yesterday"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": 1767225600},
        {"text": None},
    ],
    ids=lambda lie: "-".join(f"{name}={str(value)[:12]}" for name, value in lie.items()),
)
def test_answer_with_a_field_that_cannot_be_leaves_the_outcome_open(
    line: Line, lie: dict[str, object]
) -> None:
    line.fault("MALFORMED", endpoint="FIND", body=json.dumps({"orders": [GOOD]}))
    found = line.gateway.order_find(client_order_id="A1", symbol=SYMBOL)
    assert found is not None
    line.fault("MALFORMED", endpoint="FIND", body=json.dumps({"orders": [{**GOOD, **lie}]}))
    with pytest.raises(OutcomeUnknown):
        line.gateway.order_find(client_order_id="A1", symbol=SYMBOL)
    line.fault("MALFORMED", endpoint="PLACE", body=json.dumps({**GOOD, **lie}))
    with pytest.raises(OutcomeUnknown):
        line.gateway.order_place(request())


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("REPORTS", {"reports": [], "cursor": "5", "has_more": False}),
        ("REPORTS", {"reports": [], "cursor": "", "has_more": True}),
        ("REPORTS", {"reports": [GOOD], "cursor": "", "has_more": False}),
        ("REPORTS", {"reports": [GOOD], "cursor": "1" * 201, "has_more": False}),
        ("REPORTS", {"reports": [{**GOOD, "type": "RUMOUR"}], "cursor": "1", "has_more": False}),
        ("REPORTS", {"reports": [GOOD], "cursor": "1", "has_more": "no"}),
        ("REPORTS", {"cursor": "", "has_more": False}),
        ("FILLS", {"fills": [GOOD], "cursor": "1"}),
        ("FILLS", {"fills": {}, "cursor": ""}),
        ("OPEN", {"orders": None, "cursor": "", "has_more": False}),
        ("OPEN", {"orders": [], "cursor": "V1", "has_more": True}),
        ("POSITIONS", {"positions": [{"symbol": SYMBOL, "quantity": "0"}]}),
        ("POSITIONS", {"positions": [{"symbol": SYMBOL, "quantity": "1"}]}),
        ("BALANCES", {"balances": [{"currency": "usdt", "cash": "1"}]}),
        ("BALANCES", {"balances": [{"currency": "USDT", "cash": None}]}),
        ("CANCEL_ALL", {"count": True}),
        ("CANCEL_ALL", {"count": -1}),
    ],
)
def test_reading_what_cannot_be_raises_and_never_looks_empty(
    line: Line, endpoint: str, body: dict[str, object]
) -> None:
    line.fault("MALFORMED", endpoint=endpoint, body=json.dumps(body))
    with pytest.raises(OutcomeUnknown):
        CALLS[endpoint](line.gateway)


def test_delays_add_up_and_leave_room_for_one_other_fault(line: Line) -> None:
    for fault in ("DELAY_BEFORE", "DELAY_AFTER"):
        line.fault(fault, seconds=0.1, count=None, endpoint="PLACE")
    line.fault("DROP_AFTER", endpoint="PLACE")
    line.fault("ERROR_BEFORE", endpoint="PLACE")
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no whole answer"):
        line.gateway.order_place(request())
    assert time.monotonic() - started > 0.2
    with pytest.raises(OutcomeUnknown, match="answered 500"):
        line.gateway.order_place(request("A2"))
    assert line.count("accepted") == 1
