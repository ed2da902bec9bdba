"""The websockets of market data and of the account: log-in, subscriptions, pushes."""

import asyncio
import re
from collections.abc import Callable, Iterator
from uuid import uuid4

from aiohttp import web

from tests.venues.bybit.candles import INTERVALS
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.market_feed import MarketFeed
from tests.venues.bybit.order_socket import OrderSocket
from tests.venues.bybit.replies import Refusal, Row
from tests.venues.bybit.signing import socket_check
from tests.venues.bybit.sockets import Socket
from tests.venues.bybit.venue import Change, Venue
from tests.venues.bybit.wallet import wallet_row
from tests.venues.faults import FaultScript

_PRIVATE = ("order", "execution", "execution.fast", "position", "wallet")
_CATEGORISED = re.compile(r"(order|execution|execution\.fast|position)\.(linear|spot)")
_PUBLIC = re.compile(
    r"(kline\.(?P<interval>\w+)|orderbook\.(?P<depth>1|50|200|1000)|publicTrade|tickers)"
    r"\.(?P<symbol>\w+)"
)
_FAST = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker",
         "orderLinkId", "side", "execTime", "seq")  # fmt: skip
_TICK_SECONDS = 0.2
_MOST_SPOT_ARGS = 10


class Streams:
    """All sockets, and what they are told."""

    def __init__(self, venue: Venue, script: FaultScript, orders: OrderSocket) -> None:
        self.venue = venue
        self.sockets: set[Socket] = set()
        self.connections = 0
        self._script = script
        self._orders = orders
        self._feed = MarketFeed(venue)
        self._delay = venue.settings.stream_delay_ms / 1000
        self._on: dict[str, Callable[[Socket, Row], None]] = {
            "auth": self._on_auth,
            "ping": self._on_ping,
            "subscribe": self._on_subscribe,
            "unsubscribe": self._on_unsubscribe,
        }
        venue.listeners.append(self._tell)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a socket until it ends."""
        kind, _, category = request.match_info["tail"].partition("/")
        if kind not in ("public", "private", "trade"):
            return web.Response(status=404)
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        socket = Socket(ws, request, kind=kind, category=category, script=self._script)
        self.sockets.add(socket)
        self.connections += 1
        try:
            await socket.run(self._on_message)
        finally:
            self.sockets.discard(socket)
        return ws

    async def tick(self) -> None:
        """Close candles on time and repeat the best prices, for good."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for category, topic, message in self._feed.closed_candles():
                self.push_public(category, topic, message)
            for socket, topic, message in self._feed.depth.repeats(self._subscriptions()):
                if topic in socket.topics:
                    socket.push(message)

    def push_public(self, category: str, topic: str, message: Row) -> None:
        """Send a message to whoever has a public topic."""
        for socket, name in self._subscriptions():
            if (socket.category, name) == (category, topic):
                socket.push({"topic": topic, "ts": self.venue.now_ms(), **message})

    def _subscriptions(self) -> list[tuple[Socket, str]]:
        return [(s, topic) for s in self.sockets for topic in sorted(s.topics)]

    def _on_message(self, socket: Socket, message: Row | None) -> None:
        if message is None:
            self._reply(socket, {}, op="", ret_msg="Invalid JSON", success=False)
            return
        work = self._on.get(str(message.get("op")))
        if socket.kind == "trade" and message.get("op") not in ("auth", "ping"):
            self._orders.on_message(socket, message)
        elif work is None:
            self._reply(socket, message, ret_msg="Invalid op", success=False)
        else:
            work(socket, message)

    def _on_auth(self, socket: Socket, message: Row) -> None:
        settings, code, text = self.venue.settings, 0, "OK"
        try:
            socket_check(
                message.get("args"),
                key=settings.api_key,
                secret=settings.api_secret,
                now_ms=self.venue.now_ms(),
            )
        except Refusal as refusal:
            code, text = refusal.code, refusal.message
        socket.is_known = code == 0
        if socket.kind == "trade":
            words = {"retCode": code, "retMsg": text, "op": "auth", "connId": socket.conn_id}
            socket.answer(words, delay_seconds=self._delay)
        else:
            self._reply(socket, message, ret_msg="" if not code else text, success=code == 0)

    def _on_ping(self, socket: Socket, message: Row) -> None:
        now = str(self.venue.now_ms())
        if socket.kind == "trade":
            words: Row = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [now]}
            socket.answer({**words, "connId": socket.conn_id}, delay_seconds=0)
        elif socket.kind == "private":
            words = {"op": "pong", "args": [now], "conn_id": socket.conn_id}
            if "req_id" in message:
                words["req_id"] = message["req_id"]
            socket.answer(words, delay_seconds=0)
        else:
            self._reply(socket, {"op": "ping", "req_id": "", **message}, ret_msg="pong", delay=0.0)

    def _on_subscribe(self, socket: Socket, message: Row) -> None:
        topics = message.get("args")
        topics = [str(each) for each in topics] if isinstance(topics, list) else []
        if refused := self._refused(socket, topics):
            self._reply(socket, message, ret_msg=refused, success=False)
            return
        new = [topic for topic in topics if topic not in socket.topics]
        spot = socket.category == "spot"
        self._reply(socket, message, ret_msg="subscribe" if spot else "")
        for topic in new:
            socket.topics.add(topic)
            listed = self._listed(socket.category, topic.rpartition(".")[2])
            if listed is not None and (first := self._feed.first(listed, topic)) is not None:
                socket.push(first)

    def _refused(self, socket: Socket, topics: list[str]) -> str:
        if not topics:
            return "args is empty"
        if socket.kind == "private" and not socket.is_known:
            return "Request not authorized"
        if socket.category == "spot" and len(topics) > _MOST_SPOT_ARGS:
            return f"args size >{_MOST_SPOT_ARGS}"
        bad = [topic for topic in topics if not self._is_topic(socket, topic)]
        return f"error:handler not found,topic:{bad[0]}" if bad else ""

    def _is_topic(self, socket: Socket, topic: str) -> bool:
        if socket.kind == "private":
            return topic in _PRIVATE or bool(_CATEGORISED.fullmatch(topic))
        found = _PUBLIC.fullmatch(topic)
        if not found or (found["interval"] and found["interval"] not in INTERVALS):
            return False
        return self._listed(socket.category, found["symbol"]) is not None

    def _listed(self, category: str, symbol: str) -> Instrument | None:
        try:
            return self.venue.listing.get(category, symbol)
        except Refusal:
            return None

    def _on_unsubscribe(self, socket: Socket, message: Row) -> None:
        socket.topics -= set(map(str, message.get("args") or []))
        self._reply(socket, message, ret_msg="")

    def _reply(
        self,
        socket: Socket,
        message: Row,
        *,
        ret_msg: str,
        success: bool = True,
        op: str | None = None,
        delay: float | None = None,
    ) -> None:
        words: Row = {"success": success, "ret_msg": ret_msg, "conn_id": socket.conn_id}
        if "req_id" in message:
            words["req_id"] = message["req_id"]
        words["op"] = message.get("op") if op is None else op
        socket.answer(words, delay_seconds=self._delay if delay is None else delay)

    def _tell(self, changes: list[Change]) -> None:
        for topic, rows in _grouped(changes):
            if topic.startswith("publicTrade:"):
                category, symbol = topic.partition(":")[2], rows[0]["s"]
                message = {"type": "snapshot", "data": rows}
                self.push_public(category, f"publicTrade.{symbol}", message)
            else:
                shown = [wallet_row(self.venue)] if topic == "wallet" else rows
                self._push_private(topic, shown)
        for category, symbol in sorted(self.venue.touched_markets):
            self._market_moved(self.venue.listing.get(category, symbol))

    def _push_private(self, topic: str, rows: list[Row]) -> None:
        for socket in list(self.sockets):
            if socket.kind != "private":
                continue
            for name in sorted(socket.topics):
                meant = _meant(name, topic, rows)
                if meant:
                    socket.push(self._envelope(name, meant))

    def _envelope(self, topic: str, rows: list[Row]) -> Row:
        now = self.venue.now_ms()
        return {"id": f"592324{uuid4()}", "topic": topic, "creationTime": now, "data": rows}

    def _market_moved(self, listed: Instrument) -> None:
        wanted = {topic for s, topic in self._subscriptions() if s.category == listed.category}
        for topic in sorted(t for t in wanted if t.endswith(f".{listed.symbol}")):
            message = self._feed.moved(listed, topic)
            if message is not None:
                self.push_public(listed.category, topic, message)


def _grouped(changes: list[Change]) -> Iterator[tuple[str, list[Row]]]:
    """Yield changes with neighbours of the same topic, and symbol where public, together."""
    group: list[Row] = []
    before = ""
    for change in changes:
        name = f"{change.topic}/{change.row.get('s', '')}"
        if group and name != before:
            yield before.partition("/")[0], group
            group = []
        group.append(change.row)
        before = name
    if group:
        yield before.partition("/")[0], group


def _meant(subscribed: str, topic: str, rows: list[Row]) -> list[Row]:
    """Return the rows of a topic that a subscription gets."""
    if subscribed == topic:
        return rows
    if subscribed.startswith("execution.fast") and topic == "execution":
        trades = [row for row in rows if row["execType"] == "Trade"]
        rows = [_fast(row) for row in trades]
        category = subscribed.removeprefix("execution.fast").removeprefix(".")
    else:
        name, _, category = subscribed.partition(".")
        if name != topic:
            return []
    return [row for row in rows if category in ("", row["category"])]


def _fast(row: Row) -> Row:
    return {name: "" if name == "orderLinkId" and row["isMaker"] else row[name] for name in _FAST}
