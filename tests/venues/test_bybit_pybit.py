"""pybit, Bybit's own client, trades at the venue over REST as it does at Bybit."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue

T = TypeVar("T")
D = Decimal
LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path, rate_scale=100) as running:
        yield running


@pytest.fixture
def session(venue: BybitVenue) -> HTTP:
    return session_to(venue)


def session_to(venue: BybitVenue, **options: Any) -> HTTP:
    http = HTTP(**{"api_key": VENUE_KEY, "api_secret": VENUE_SECRET, **options})
    http.endpoint = venue.url
    return http


def until(ask: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Ask again until an answer is good; fail with the last one after five seconds."""
    end = time.monotonic() + 5
    while True:
        answer = ask()
        if good(answer):
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within five seconds; the last was {answer}")
        time.sleep(0.002)


def find(session: HTTP, link_id: str, **where: str) -> dict[str, Any]:
    """Return an order once realtime has it."""
    where = where or LINEAR
    found = until(
        lambda: session.get_open_orders(**where, orderLinkId=link_id)["result"]["list"], bool
    )
    return dict(found[0])


def find_as(session: HTTP, link_id: str, status: str, **where: str) -> dict[str, Any]:
    return until(lambda: find(session, link_id, **where), lambda o: o["orderStatus"] == status)


def place(session: HTTP, link_id: str, **terms: Any) -> dict[str, Any]:
    usual = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "49000"}
    asked = {**usual, **terms, "orderLinkId": link_id}
    if asked["orderType"] == "Market":
        del asked["price"]
    return dict(session.place_order(**asked)["result"])


def test_order_waits_is_amended_and_fills_at_its_price(venue: BybitVenue, session: HTTP) -> None:
    placed = place(session, "a1")
    assert find_as(session, "a1", "New")["orderId"] == placed["orderId"]
    session.amend_order(**LINEAR, orderLinkId="a1", price="49500", qty="0.02")
    until(lambda: find(session, "a1"), lambda o: (o["price"], o["qty"]) == ("49500.00", "0.020"))
    venue.price("BTCUSDT", 49400)
    filled = find_as(session, "a1", "Filled")
    assert (filled["avgPrice"], filled["cumExecQty"], filled["leavesQty"]) == (
        "49500",
        "0.020",
        "0",
    )
    [execution] = session.get_executions(**LINEAR)["result"]["list"]
    assert (execution["execPrice"], execution["isMaker"]) == ("49500", True)
    [position] = session.get_positions(**LINEAR)["result"]["list"]
    assert (position["side"], position["size"], position["avgPrice"]) == ("Buy", "0.020", "49500")


def test_acknowledged_order_shows_only_later(tmp_path: Path) -> None:
    with bybit_venue(tmp_path, entry_delay_ms=300) as venue:
        session = session_to(venue)
        place(session, "a1")
        shown = session.get_open_orders(**LINEAR, orderLinkId="a1")["result"]["list"]
        assert shown == []
        assert find_as(session, "a1", "New")


def test_canceled_order_says_so_in_the_history(session: HTTP) -> None:
    place(session, "a1")
    find_as(session, "a1", "New")
    session.cancel_order(**LINEAR, orderLinkId="a1")
    until(
        lambda: session.get_order_history(**LINEAR, orderLinkId="a1")["result"]["list"],
        lambda found: (
            [(o["orderStatus"], o["cancelType"]) for o in found] == [("Cancelled", "CancelByUser")]
        ),
    )
    with pytest.raises(InvalidRequestError) as refused:
        session.cancel_order(**LINEAR, orderLinkId="a1")
    assert refused.value.status_code == 110001


@pytest.mark.parametrize(("where", "code"), [(LINEAR, 110072), (SPOT, 170141)])
def test_order_link_id_is_used_once(
    venue: BybitVenue, session: HTTP, where: dict[str, str], code: int
) -> None:
    place(session, "a1", **where)
    with pytest.raises(InvalidRequestError) as refused:
        place(session, "a1", **where)
    assert refused.value.status_code == code
    assert venue.journal().creates_by_link() == {"a1": 2}
    assert venue.journal().accepted_by_link() == {"a1": 1}
    assert venue.journal().blind_resends() == ["a1"]


def test_wrong_secret_is_refused(venue: BybitVenue) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        session_to(venue, api_secret="wrong").get_wallet_balance(accountType="UNIFIED")
    assert refused.value.status_code == 10004
