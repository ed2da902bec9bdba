"""The feed of the Angel One venue, read by the broker's own client as it is shipped."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from tests.venues.angelone import VENUE_CLIENT_CODE, VENUE_KEY, AngelOneVenue
from tests.venues.smart_feed import SBIN, Feed, feed_of
from tests.venues.waiting import eventually


@contextmanager
def raw_socket(venue: AngelOneVenue, smart: Any, **headers: str) -> Iterator[websocket.WebSocket]:
    """Connect without the library: to see every frame."""
    names = {
        "Authorization": smart.access_token,
        "x-api-key": VENUE_KEY,
        "x-client-code": VENUE_CLIENT_CODE,
        "x-feed-token": smart.feed_token,
    }
    given = {name: headers.get(name.replace("-", "_"), value) for name, value in names.items()}
    socket = websocket.create_connection(f"{venue.ws_url}/smart-stream", header=given, timeout=10)
    try:
        yield socket
    finally:
        socket.close()


def subscribed(mode: int, tokens: Any = SBIN, action: int = 1) -> str:
    params = {"mode": mode, "tokenList": tokens}
    return json.dumps({"correlationID": "abcde12345", "action": action, "params": params})


def test_the_last_price_comes_in_paise_and_again_when_it_changes(
    angelone: AngelOneVenue, smart: Any
) -> None:
    with feed_of(angelone, smart, 1) as feed:
        assert feed.ticks[0]["token"] == "3045"
        assert feed.ticks[0]["subscription_mode_val"] == "LTP"
        assert feed.ticks[0]["last_traded_price"] == 82000
        angelone.price("SBIN-EQ", "821.35")
        eventually(lambda: feed.ticks[-1]["last_traded_price"], 82135)


def test_a_quote_has_the_figures_of_the_day(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.price("SBIN-EQ", 822, volume=100)
    angelone.price("SBIN-EQ", 818, volume=300)
    with feed_of(angelone, smart, 2) as feed:
        tick = feed.ticks[0]
    assert (tick["open_price_of_the_day"], tick["high_price_of_the_day"]) == (82200, 82200)
    assert (tick["low_price_of_the_day"], tick["closed_price"]) == (81800, 82000)
    assert (tick["volume_trade_for_the_day"], tick["last_traded_quantity"]) == (400, 300)
    assert tick["average_traded_price"] == 81900


def test_a_snapshot_has_five_bids_below_five_offers(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.price("SBIN-EQ", 820, bid=819, ask=821, quantity=50, levels=5)
    with feed_of(angelone, smart, 3) as feed:
        tick = feed.ticks[0]
    bids = [(each["price"], each["quantity"]) for each in tick["best_5_buy_data"]]
    offers = [(each["price"], each["quantity"]) for each in tick["best_5_sell_data"]]
    assert bids == [(81900 - 5 * level, 50) for level in range(5)]
    assert offers == [(82100 + 5 * level, 50) for level in range(5)]
    assert (tick["upper_circuit_limit"], tick["lower_circuit_limit"]) == (98400, 65600)


def test_depth_has_twenty_levels_of_each_side(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.price("SBIN-EQ", 820, bid=819, ask=821, quantity=50, levels=20)
    with feed_of(angelone, smart, 4) as feed:
        tick = feed.ticks[0]
    assert [each["price"] for each in tick["depth_20_buy_data"]][::19] == [81900, 81805]
    assert [each["price"] for each in tick["depth_20_sell_data"]][::19] == [82100, 82195]


def test_other_exchanges_have_other_types(angelone: AngelOneVenue, smart: Any) -> None:
    tokens = [{"exchangeType": 2, "tokens": ["35000"]}, {"exchangeType": 5, "tokens": ["430001"]}]
    with feed_of(angelone, smart, 1, tokens) as feed:
        eventually(lambda: {tick["exchange_type"] for tick in feed.ticks}, {2, 5})


def test_an_index_has_no_sequence(angelone: AngelOneVenue, smart: Any) -> None:
    with feed_of(angelone, smart, 1, [{"exchangeType": 1, "tokens": ["99926000"]}]) as feed:
        assert feed.ticks[0]["sequence_number"] == 0
        assert feed.ticks[0]["last_traded_price"] == 2600000


@pytest.mark.parametrize(("mode", "size"), [(1, 51), (2, 123), (3, 379), (4, 443)])
def test_a_packet_has_the_documented_length(
    angelone: AngelOneVenue, smart: Any, mode: int, size: int
) -> None:
    with raw_socket(angelone, smart) as socket:
        socket.send(subscribed(mode))
        assert len(socket.recv()) == size


def test_what_is_unsubscribed_comes_no_more(angelone: AngelOneVenue, smart: Any) -> None:
    with raw_socket(angelone, smart) as socket:
        socket.send(subscribed(1))
        assert len(socket.recv()) == 51
        socket.send(subscribed(1, action=0))
        eventually(lambda: angelone.control("state")["subscribed"], 0)
        socket.send("ping")
        while (frame := socket.recv()) != "pong":
            assert len(frame) == 51  # was on its way
        angelone.price("SBIN-EQ", 830)
        socket.send("ping")
        assert socket.recv() == "pong"


def test_a_subscription_twice_is_one(angelone: AngelOneVenue, smart: Any) -> None:
    with raw_socket(angelone, smart) as socket:
        for _ in range(2):
            socket.send(subscribed(1))
        socket.send(subscribed(2))
        eventually(lambda: angelone.control("state")["subscribed"], 2)


def test_an_unreadable_request_is_answered_with_e1001(angelone: AngelOneVenue, smart: Any) -> None:
    with raw_socket(angelone, smart) as socket:
        socket.send(subscribed(9))
        answer = json.loads(socket.recv())
        assert (answer["correlationID"], answer["errorCode"]) == ("abcde12345", "E1001")
        socket.send("no JSON")
        assert json.loads(socket.recv())["errorCode"] == "E1001"


def test_too_many_subscriptions_are_answered_with_e1002(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.control("settings", subscriptions=1)
    with raw_socket(angelone, smart) as socket:
        socket.send(subscribed(1, [{"exchangeType": 1, "tokens": ["3045", "2885"]}]))
        assert json.loads(socket.recv())["errorCode"] == "E1002"
        socket.send(subscribed(4, [{"exchangeType": 2, "tokens": ["35000"]}]))
        assert json.loads(socket.recv())["errorCode"] == "E1002"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Authorization", "Auth token"),
        ("x_api_key", "API Key"),
        ("x_client_code", "Client Code"),
        ("x_feed_token", "Feed Token"),
    ],
)
def test_a_bad_handshake_is_refused_with_its_reason(
    angelone: AngelOneVenue, smart: Any, header: str, reason: str
) -> None:
    with (
        pytest.raises(websocket.WebSocketBadStatusException) as refused,
        raw_socket(angelone, smart, **{header: "nonsense"}),
    ):
        pass
    assert refused.value.status_code == 401
    headers = refused.value.resp_headers
    assert headers is not None
    assert headers["x-error-message"] == f"Invalid Header - Invalid {reason}"


def test_a_browser_connects_by_its_query(angelone: AngelOneVenue, smart: Any) -> None:
    query = f"clientCode={VENUE_CLIENT_CODE}&apiKey={VENUE_KEY}&feedToken={smart.feed_token}"
    url = f"{angelone.ws_url}/smart-stream?{query}"
    socket = websocket.create_connection(url, timeout=10)
    socket.send("ping")
    assert socket.recv() == "pong"
    socket.close()


def test_a_fourth_connection_is_refused(angelone: AngelOneVenue, smart: Any) -> None:
    with (
        raw_socket(angelone, smart),
        raw_socket(angelone, smart),
        raw_socket(angelone, smart),
        pytest.raises(websocket.WebSocketBadStatusException) as refused,
        raw_socket(angelone, smart),
    ):
        pass
    assert refused.value.status_code == 429
    eventually(lambda: angelone.control("state")["feeds"], 0)
    with raw_socket(angelone, smart):
        pass


def test_a_stalled_feed_is_open_and_answers_protocol_pings(
    angelone: AngelOneVenue, smart: Any
) -> None:
    with raw_socket(angelone, smart) as socket:
        socket.send(subscribed(1))
        assert len(socket.recv()) == 51
        angelone.fault("STALL", endpoint="/smart-stream")
        angelone.price("SBIN-EQ", 825)
        socket.ping()
        opcode, _ = socket.recv_data(control_frame=True)
        while opcode != websocket.ABNF.OPCODE_PONG:  # ticks that were on their way
            opcode, _ = socket.recv_data(control_frame=True)
        angelone.control("clear")
        eventually(lambda: struct.unpack("<q", socket.recv_data()[1][43:51]), (82500,))


def test_packets_are_cut_doubled_and_lost_with_their_connection(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.control("settings", tick_seconds=60)
    angelone.fault("MALFORMED", endpoint="/smart-stream")
    angelone.fault("DUPLICATE", endpoint="/smart-stream")
    angelone.fault("DISCONNECT", endpoint="/smart-stream")
    with raw_socket(angelone, smart) as socket:
        socket.send(subscribed(1))
        assert len(socket.recv()) == 25
        angelone.price("SBIN-EQ", 826)
        frames = [socket.recv(), socket.recv()]
        assert frames[0] == frames[1]
        angelone.price("SBIN-EQ", 827)
        with pytest.raises((websocket.WebSocketException, ConnectionError)):
            socket.recv()


def test_the_library_comes_back_once_after_the_venue_cut_it(
    angelone: AngelOneVenue, smart: Any
) -> None:
    feed = Feed(angelone, smart, lambda socket: socket.subscribe("abcde12345", 1, SBIN))
    feed.socket.MAX_RETRY_ATTEMPT, feed.socket.retry_delay = 1, 0
    eventually(lambda: len(feed.ticks) > 0)
    angelone.control("cut")
    angelone.price("SBIN-EQ", "823")
    eventually(lambda: feed.ticks[-1]["last_traded_price"], 82300)
    feed.close()


def test_the_sockets_of_a_session_end_with_it(angelone: AngelOneVenue, smart: Any) -> None:
    with raw_socket(angelone, smart) as socket:
        eventually(lambda: angelone.control("state")["feeds"], 1)
        smart.terminateSession(VENUE_CLIENT_CODE)
        with pytest.raises((websocket.WebSocketException, ConnectionError)):
            socket.recv()


def test_sockets_that_come_and_go_leave_nothing_behind(angelone: AngelOneVenue, smart: Any) -> None:
    for ending in ("close", "cut") * 10:
        with raw_socket(angelone, smart) as socket:
            socket.send(subscribed(2))
            assert len(socket.recv()) == 123
            if ending == "cut":
                angelone.control("cut")
    eventually(lambda: angelone.control("state")["feeds"], 0)
    assert angelone.control("state")["subscribed"] == 0
