"""pybit's websockets hear of orders, executions, positions, coins and the market."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue
from tests.venues.test_bybit_pybit import LINEAR, place, session_to, until


class VenueSocket(WebSocket):  # type: ignore[misc]  # pybit has no types
    """pybit's client with only its host replaced."""

    host = ""

    def _connect(self, url: str) -> None:
        path = url.format(SUBDOMAIN="x", DOMAIN="y", TLD="z")
        super()._connect(re.sub(r"^wss?://[^/]+", self.host, path))


class VenueTradeSocket(WebSocketTrading):  # type: ignore[misc]  # pybit has no types
    host = ""

    def _connect(self, url: str) -> None:
        path = url.format(SUBDOMAIN="x", DOMAIN="y", TLD="z")
        super()._connect(re.sub(r"^wss?://[^/]+", self.host, path))


class Heard:
    """Messages by topic."""

    def __init__(self) -> None:
        self.messages: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def __call__(self, message: dict[str, Any]) -> None:
        self.messages[message["topic"]].append(message)

    def rows(self, topic: str) -> list[dict[str, Any]]:
        return [row for message in self.messages[topic] for row in message["data"]]

    def wait(self, topic: str, **words: object) -> dict[str, Any]:
        """Return the first row that has these words."""
        found = until(
            lambda: [row for row in self.rows(topic) if words.items() <= row.items()], bool
        )
        return found[0]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path, rate_scale=100) as running:
        yield running


@pytest.fixture
def session(venue: BybitVenue) -> HTTP:
    return session_to(venue)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def open_socket(venue: BybitVenue, channel: str, **options: Any) -> VenueSocket:
    VenueSocket.host = venue.ws_url
    return VenueSocket(testnet=False, channel_type=channel, **options)


@pytest.fixture
def private(venue: BybitVenue, heard: Heard) -> Iterator[VenueSocket]:
    keys = {"api_key": VENUE_KEY, "api_secret": VENUE_SECRET}
    socket = open_socket(venue, "private", **keys, private_auth_expire=10)
    for subscribe in (
        socket.order_stream,
        socket.execution_stream,
        socket.position_stream,
        socket.wallet_stream,
    ):
        subscribe(callback=heard)
    until(lambda: venue.control("state")["sockets"], lambda s: bool(s) and len(s[0]["topics"]) == 4)
    yield socket
    socket.exit()


def test_private_stream_tells_the_life_of_an_order(
    venue: BybitVenue, session: HTTP, private: VenueSocket, heard: Heard
) -> None:
    place(session, "a1")
    heard.wait("order", orderLinkId="a1", orderStatus="New")
    venue.price("BTCUSDT", 49000)
    heard.wait("order", orderLinkId="a1", orderStatus="Filled", cumExecQty="0.010")
    heard.wait("execution", orderLinkId="a1", execPrice="49000", isMaker=True, execType="Trade")
    heard.wait("position", symbol="BTCUSDT", side="Buy", size="0.010", entryPrice="49000")
    until(
        lambda: [(c["coin"], c["walletBalance"]) for c in heard.rows("wallet")[-1]["coin"]],
        lambda coins: ("USDT", "999999.902") in coins,  # 490 * 0.0002 of fee
    )


def test_public_streams_tell_the_market(venue: BybitVenue, session: HTTP, heard: Heard) -> None:
    socket = open_socket(venue, "linear")
    socket.trade_stream("BTCUSDT", heard)
    socket.kline_stream(1, "BTCUSDT", heard)
    socket.ticker_stream("BTCUSDT", heard)
    socket.orderbook_stream(50, "BTCUSDT", heard)
    until(lambda: heard.messages["orderbook.50.BTCUSDT"], bool)
    venue.price("BTCUSDT", 50100, bid=50099, ask=50101)
    heard.wait("publicTrade.BTCUSDT", p="50100")
    heard.wait("kline.1.BTCUSDT", close="50100", confirm=False)
    until(
        lambda: heard.messages["tickers.BTCUSDT"],
        lambda all_of: all_of[-1]["data"]["lastPrice"] == "50100",
    )
    until(
        lambda: heard.messages["orderbook.50.BTCUSDT"][-1]["data"],
        lambda book: (book["b"][0][0], book["a"][0][0]) == ("50099", "50101"),
    )
    socket.exit()


def test_order_socket_places_amends_and_cancels(venue: BybitVenue, session: HTTP) -> None:
    VenueTradeSocket.host = venue.ws_url
    socket = VenueTradeSocket(testnet=False, api_key=VENUE_KEY, api_secret=VENUE_SECRET)
    answers: list[dict[str, Any]] = []
    order = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "49000"}
    socket.place_order(answers.append, **order, orderLinkId="a1")
    until(lambda: answers, lambda a: len(a) == 1)
    socket.amend_order(answers.append, **LINEAR, orderLinkId="a1", price="48000")
    until(lambda: answers, lambda a: len(a) == 2)
    socket.cancel_order(answers.append, **LINEAR, orderLinkId="a1")
    until(lambda: answers, lambda a: len(a) == 3)
    assert [(a["retCode"], a["data"]["orderLinkId"]) for a in answers] == [(0, "a1")] * 3
    until(
        lambda: session.get_order_history(**LINEAR, orderLinkId="a1")["result"]["list"],
        lambda found: (
            [(o["orderStatus"], o["price"]) for o in found] == [("Cancelled", "48000.00")]
        ),
    )
    socket.exit()


def test_client_comes_back_after_a_cut_and_hears_on(
    venue: BybitVenue, session: HTTP, private: VenueSocket, heard: Heard
) -> None:
    venue.control("cut")
    until(
        lambda: venue.control("state"),
        lambda s: s["connections"] == 2 and [len(e["topics"]) for e in s["sockets"]] == [4],
    )
    place(session, "a1")
    heard.wait("order", orderLinkId="a1", orderStatus="New")


def test_messages_may_come_twice_or_late(
    venue: BybitVenue, session: HTTP, private: VenueSocket, heard: Heard
) -> None:
    venue.fault("DUPLICATE", endpoint="private/execution")
    venue.fault("REORDER", endpoint="private/order")
    place(session, "a1", orderType="Market")
    place(session, "a2", orderType="Market")
    until(lambda: heard.rows("execution"), lambda rows: len(rows) == 3)
    ids = [row["execId"] for row in heard.rows("execution")]
    assert (len(ids), len(set(ids))) == (3, 2)
    until(lambda: heard.rows("order"), lambda rows: len(rows) == 2)
    assert {row["orderLinkId"] for row in heard.rows("order")} == {"a1", "a2"}
