"""The venue's websockets log in, acknowledge, push and fail as documented."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue
from tests.venues.bybit.signing import signature_of
from tests.venues.test_bybit_pybit import until
from tests.venues.test_bybit_wire import create

BOOK = "orderbook.50.BTCUSDT"


class Client:
    """A websocket that remembers what it read."""

    def __init__(self, venue: BybitVenue, path: str) -> None:
        self.socket = websocket.create_connection(f"{venue.ws_url}/v5/{path}", timeout=5)
        self.texts: list[str] = []

    def send(self, op: str, *args: object, **words: object) -> None:
        message = {"op": op, **({"args": list(args)} if args else {}), **words}
        self.socket.send(json.dumps(message))

    def read(self) -> dict[str, Any]:
        self.texts.append(str(self.socket.recv()))
        return dict(json.loads(self.texts[-1]))

    def until(self, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read on until a message is good."""
        while True:
            message = self.read()
            if good(message):
                return message

    def topic(self, topic: str) -> dict[str, Any]:
        return self.until(lambda message: message.get("topic") == topic)

    def log_in(self, *, ahead_ms: int = 5000, secret: str = VENUE_SECRET) -> dict[str, Any]:
        expires = time.time_ns() // 1_000_000 + ahead_ms
        self.send("auth", VENUE_KEY, expires, signature_of(secret, f"GET/realtime{expires}"))
        return self.read()

    def is_cut(self) -> bool:
        """Tell whether the venue ended the connection; read all before that."""
        try:
            while True:
                self.read()
        except (ConnectionError, websocket.WebSocketConnectionClosedException):
            return True
        except websocket.WebSocketTimeoutException:
            return False


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path, rate_scale=0) as running:
        yield running


@pytest.fixture
def linear(venue: BybitVenue) -> Client:
    return Client(venue, "public/linear")


@pytest.fixture
def private(venue: BybitVenue) -> Client:
    client = Client(venue, "private")
    assert client.log_in()["success"] is True
    client.send("subscribe", "order", "execution")
    assert client.read()["success"] is True
    return client


def test_log_in_needs_the_secret_and_an_expiry_to_come(venue: BybitVenue) -> None:
    assert Client(venue, "private").log_in()["success"] is True
    for wrong in ({"secret": "other"}, {"ahead_ms": -1}):
        client = Client(venue, "private")
        answer = client.log_in(**wrong)
        assert (answer["op"], answer["success"]) == ("auth", False)
        client.send("subscribe", "order")
        assert client.read()["success"] is False


def test_order_socket_answers_in_its_own_words(venue: BybitVenue) -> None:
    client = Client(venue, "trade")
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market"}
    header = {"X-BAPI-TIMESTAMP": str(time.time_ns() // 1_000_000)}
    words = {"reqId": "r1", "header": header}
    client.send("order.create", {**order, "qty": "0.01"}, **words)
    assert client.read()["retCode"] == 10003
    assert client.log_in()["retMsg"] == "OK"
    client.send("order.create", {**order, "qty": "0.01"}, **words)
    answer = client.read()
    assert (answer["reqId"], answer["retCode"], bool(answer["data"]["orderId"])) == ("r1", 0, True)
    client.send("order.create", {**order, "qty": "0"}, **words)
    assert client.read()["retCode"] == 10001
    old = {"reqId": "r2", "header": {"X-BAPI-TIMESTAMP": "1700000000000"}}
    client.send("order.create", {**order, "qty": "0.01"}, **old)
    assert client.read()["retCode"] == 10002


def test_pongs_differ_by_kind(venue: BybitVenue, linear: Client) -> None:
    linear.send("ping")
    assert (linear.read()["ret_msg"], linear.socket.connected) == ("pong", True)
    private = Client(venue, "private")
    private.send("ping", req_id="p1")
    pong = private.read()
    assert (pong["op"], pong["req_id"], len(pong["args"])) == ("pong", "p1", 1)
    trade = Client(venue, "trade")
    trade.send("ping")
    assert trade.read()["op"] == "pong"


def test_acknowledgements_take_their_time(tmp_path: Path) -> None:
    with bybit_venue(tmp_path, stream_delay_ms=100) as venue:
        client = Client(venue, "public/linear")
        before = time.monotonic()
        client.send("subscribe", BOOK, req_id=7)
        assert client.read()["req_id"] == 7
        assert time.monotonic() - before >= 0.1  # never sooner


@pytest.mark.parametrize("topic", ["orderbook.7.BTCUSDT", "kline.2.BTCUSDT", "tickers.NO", "order"])
def test_unknown_topic_is_refused_with_its_name(linear: Client, topic: str) -> None:
    linear.send("subscribe", topic, req_id="s1")
    answer = linear.read()
    assert (answer["success"], topic in answer["ret_msg"]) == (False, True)


def test_spot_takes_ten_topics_at_once(venue: BybitVenue) -> None:
    client = Client(venue, "public/spot")
    topics = [f"kline.{n}.BTCUSDT" for n in ("1", "3", "5", "15", "30", "60", "120", "240", "D")]
    client.send("subscribe", *topics)
    assert client.read()["ret_msg"] == "subscribe"
    client = Client(venue, "public/spot")
    client.send("subscribe", *topics, "tickers.BTCUSDT", "publicTrade.BTCUSDT")
    assert client.read()["success"] is False


def test_book_is_a_snapshot_and_then_what_changed(venue: BybitVenue, linear: Client) -> None:
    linear.send("subscribe", BOOK)
    assert linear.topic(BOOK)["type"] == "snapshot"
    create(venue, "a1")
    delta = linear.topic(BOOK)
    assert (delta["type"], delta["data"]["b"], delta["data"]["a"]) == (
        *("delta", [["49000", "0.01"]]),
        [],
    )
    venue.price("BTCUSDT", 49500)
    moved = linear.topic(BOOK)["data"]
    assert moved["b"] == [["50000", "0"], ["49500", "1000000"]]
    assert moved["u"] == delta["data"]["u"] + 1


def test_best_prices_are_whole_and_repeated_when_nothing_happens(
    venue: BybitVenue, linear: Client
) -> None:
    topic = "orderbook.1.BTCUSDT"
    linear.send("subscribe", topic)
    first = linear.topic(topic)
    again = linear.topic(topic)
    assert (again["type"], again["data"]["u"]) == ("snapshot", first["data"]["u"])
    assert again["ts"] - first["ts"] >= 3000
    venue.price("BTCUSDT", 49500)
    moved = linear.topic(topic)
    assert (moved["type"], moved["data"]["b"]) == ("snapshot", [["49500", "1000000"]])


def test_spot_ticker_is_always_whole_and_linear_says_what_changed(venue: BybitVenue) -> None:
    topic = "tickers.BTCUSDT"
    types = {}
    for category in ("linear", "spot"):
        client = Client(venue, f"public/{category}")
        client.send("subscribe", topic)
        assert client.topic(topic)["type"] == "snapshot"
        venue.price("BTCUSDT", 50100 if category == "linear" else 50200)
        message = client.topic(topic)
        types[category] = message["type"], "symbol" in message["data"]
    assert types == {"linear": ("delta", True), "spot": ("snapshot", True)}


def test_candle_of_a_tests_own_making_is_pushed(venue: BybitVenue, linear: Client) -> None:
    linear.send("subscribe", "kline.5.BTCUSDT")
    linear.topic("kline.5.BTCUSDT")
    candle = {"interval": "5", "confirm": True, "close": "1"}
    venue.control("kline", symbol="BTCUSDT", candle=candle)
    assert linear.topic("kline.5.BTCUSDT")["data"] == [candle]


def test_topics_by_category_hear_of_their_category_alone(venue: BybitVenue) -> None:
    client = Client(venue, "private")
    client.log_in()
    client.send("subscribe", "order.spot")
    client.read()
    create(venue, "l1")
    create(venue, "s1", category="spot")
    assert [row["orderLinkId"] for row in client.topic("order.spot")["data"]] == ["s1"]


def test_fast_executions_hide_the_makers_client_id(venue: BybitVenue) -> None:
    client = Client(venue, "private")
    client.log_in()
    client.send("subscribe", "execution.fast")
    client.read()
    create(venue, "taker", price="50000")
    assert client.topic("execution.fast")["data"][0]["orderLinkId"] == "taker"
    create(venue, "maker")
    create(venue, "later", price="48000")
    venue.price("BTCUSDT", 48500)
    [row] = client.topic("execution.fast")["data"]
    assert (row["isMaker"], row["orderLinkId"], row["execPrice"]) == (True, "", "49000")


def test_unsubscribed_topics_are_silent(venue: BybitVenue, private: Client) -> None:
    private.send("unsubscribe", "execution")
    assert private.read()["op"] == "unsubscribe"
    create(venue, "a1", price="50000")
    create(venue, "a2", price="50000")
    topics = [private.topic("order")["topic"] for _ in range(2)]
    assert topics == ["order", "order"]
    assert not any('"topic":"execution"' in text for text in private.texts)


def test_message_can_come_twice(venue: BybitVenue, private: Client) -> None:
    venue.fault("DUPLICATE", endpoint="private/order")
    create(venue, "a1")
    assert private.topic("order")["id"] == private.topic("order")["id"]


def test_message_can_come_after_the_next(venue: BybitVenue, private: Client) -> None:
    venue.fault("REORDER", endpoint="private/order")
    create(venue, "a1")
    create(venue, "a2")
    came = [private.topic("order")["data"][0]["orderLinkId"] for _ in range(2)]
    assert came == ["a2", "a1"]


def test_message_can_be_half_of_one(venue: BybitVenue, private: Client) -> None:
    venue.fault("MALFORMED", endpoint="private/order")
    create(venue, "a1")
    with pytest.raises(json.JSONDecodeError):
        private.read()
    create(venue, "a2")
    assert private.topic("order")["data"][0]["orderLinkId"] == "a2"


def test_message_can_be_lost(venue: BybitVenue, private: Client) -> None:
    venue.fault("LOSE", endpoint="private/order")
    create(venue, "a1")
    create(venue, "a2")
    assert private.topic("order")["data"][0]["orderLinkId"] == "a2"


def test_stalled_stream_is_open_and_silent_even_to_pings(
    venue: BybitVenue, private: Client
) -> None:
    venue.fault("STALL", endpoint="private/order")
    create(venue, "a1")
    until(lambda: venue.control("state")["faults_met"], bool)
    private.socket.settimeout(0.3)
    private.send("ping")
    with pytest.raises(websocket.WebSocketTimeoutException):
        private.read()
    assert venue.control("state")["sockets"][0]["kind"] == "private"
    venue.control("clear")
    private.send("ping")
    assert private.read()["op"] == "pong"


def test_connection_can_be_cut(venue: BybitVenue, private: Client, linear: Client) -> None:
    venue.fault("DISCONNECT", endpoint="private/order")
    create(venue, "a1")
    assert private.is_cut()
    assert venue.control("cut") == {"count": 1}
    assert linear.is_cut()


def test_any_text_can_be_pushed(venue: BybitVenue, private: Client) -> None:
    venue.control("push", kind="private", message={"topic": "weather", "data": []})
    assert private.read() == {"topic": "weather", "data": []}
