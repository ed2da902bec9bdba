"""Order updates of the Angel One venue, heard by the broker's own client as it is shipped."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from tests.venues.angelone import VENUE_CLIENT_CODE, VENUE_KEY, AngelOneVenue
from tests.venues.smart_orders import placed, status_of
from tests.venues.smartapi import LIMIT_ORDER, SmartWebSocketOrderUpdate, log_kept_still
from tests.venues.waiting import eventually


@contextmanager
def updates_of(venue: AngelOneVenue, smart: Any) -> Iterator[list[dict[str, Any]]]:
    """Listen for a while; the library hands on its empty pongs as messages too."""
    with log_kept_still():
        socket = SmartWebSocketOrderUpdate(
            f"Bearer {smart.access_token}", VENUE_KEY, VENUE_CLIENT_CODE, smart.feed_token
        )
    frames: list[dict[str, Any]] = []
    socket.on_message = lambda _, text: frames.append(json.loads(text)) if text else None
    socket.MAX_CONNECTION_RETRY_ATTEMPTS = 0
    thread = threading.Thread(target=socket.connect, daemon=True)
    thread.start()
    eventually(lambda: len(frames) > 0)
    yield frames
    venue.control("cut")
    thread.join(10)
    assert not thread.is_alive()


def codes(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["order-status"] for frame in frames]


def raw_updates(venue: AngelOneVenue, authorization: str) -> websocket.WebSocket:
    """Connect without the library."""
    headers = {"Authorization": authorization}
    url = f"{venue.ws_url}/smart-order-update"
    return websocket.create_connection(url, header=headers, timeout=10)


def test_the_first_frame_says_that_it_is_open(angelone: AngelOneVenue, smart: Any) -> None:
    with updates_of(angelone, smart) as frames:
        first = frames[0]
    assert (first["user-id"], first["status-code"]) == (VENUE_CLIENT_CODE, "200")
    assert (first["order-status"], first["orderData"]["orderid"]) == ("AB00", "")


def test_each_step_of_an_order_is_told_with_its_row(angelone: AngelOneVenue, smart: Any) -> None:
    with updates_of(angelone, smart) as frames:
        ids = placed(smart, ordertag="tag-7")
        eventually(lambda: codes(frames)[-1], "AB01")
        smart.modifyOrder({**LIMIT_ORDER, "orderid": ids["orderid"], "price": "812"})
        eventually(lambda: "AB04" in codes(frames))
        eventually(lambda: codes(frames)[-1], "AB01")
        angelone.price("SBIN-EQ", 812)
        eventually(lambda: codes(frames)[-1], "AB05")
    row = frames[-1]["orderData"]
    assert (row["orderid"], row["ordertag"]) == (ids["orderid"], "tag-7")
    assert (row["status"], row["filledshares"], row["averageprice"]) == ("complete", "10", 812.0)
    assert "uniqueorderid" not in row
    assert codes(frames) == ["AB00", "AB09", "AB09", "AB01", "AB11", "AB04", "AB01", "AB05"]


def test_cancellations_refusals_and_triggers_have_codes(
    angelone: AngelOneVenue, smart: Any
) -> None:
    stop = {"variety": "STOPLOSS", "ordertype": "STOPLOSS_LIMIT", "triggerprice": "830"}
    with updates_of(angelone, smart) as frames:
        ids = placed(smart, **stop, price="831")
        eventually(lambda: codes(frames)[-1], "AB10")
        smart.cancelOrder(ids["orderid"], "STOPLOSS")
        eventually(lambda: codes(frames)[-1], "AB02")
        placed(smart, price="812.03")
        eventually(lambda: codes(frames)[-1], "AB03")
    assert "tick size" in frames[-1]["orderData"]["text"]


@pytest.mark.parametrize("authorization", ["", "nonsense", "Bearer nonsense"])
def test_who_brings_no_good_token_is_refused(
    angelone: AngelOneVenue, smart: Any, authorization: str
) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        raw_updates(angelone, authorization)
    assert refused.value.status_code == 401


def test_a_token_of_yesterday_is_refused_otherwise(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("clock", advance_seconds=86400)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        raw_updates(angelone, f"Bearer {smart.access_token}")
    assert refused.value.status_code == 403


@contextmanager
def raw_socket_of(venue: AngelOneVenue, smart: Any) -> Iterator[websocket.WebSocket]:
    socket = raw_updates(venue, f"Bearer {smart.access_token}")
    try:
        yield socket
    finally:
        socket.close()


def test_a_fourth_connection_is_refused(angelone: AngelOneVenue, smart: Any) -> None:
    with (
        raw_socket_of(angelone, smart),
        raw_socket_of(angelone, smart),
        raw_socket_of(angelone, smart),
        pytest.raises(websocket.WebSocketBadStatusException) as refused,
    ):
        raw_updates(angelone, f"Bearer {smart.access_token}")
    assert refused.value.status_code == 429


def test_updates_come_twice_and_in_another_order(angelone: AngelOneVenue, smart: Any) -> None:
    with raw_socket_of(angelone, smart) as socket:
        assert json.loads(socket.recv())["order-status"] == "AB00"
        angelone.fault("DUPLICATE", endpoint="/smart-order-update")
        angelone.fault("REORDER", endpoint="/smart-order-update")
        ids = placed(smart)
        heard = [json.loads(socket.recv())["order-status"] for _ in range(4)]
        assert heard == ["AB09", "AB09", "AB01", "AB09"]
        assert status_of(smart, ids) == "open"


def test_any_frame_can_be_pushed_to_the_listeners(angelone: AngelOneVenue, smart: Any) -> None:
    with raw_socket_of(angelone, smart) as socket:
        socket.recv()
        angelone.control("push", path="/smart-order-update", message='{"order-status": 7}')
        assert socket.recv() == '{"order-status": 7}'
