"""One websocket: what it subscribed, and a queue that keeps its messages in order."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from tests.venues.bybit.faulting import ON_STREAMS, FaultScript
from tests.venues.bybit.replies import Row

_GARBAGE = '{"topic":"order","data":[{"orderId":'
_HELD_SECONDS = 0.2  # how long a message waits for another to overtake it


class Socket:
    """A client of a stream.

    Attributes:
        kind: "public", "private" or "trade".
        stalled: It stays open and says nothing more, not even pongs.
    """

    def __init__(
        self,
        ws: web.WebSocketResponse,
        request: web.Request,
        *,
        kind: str,
        category: str,
        script: FaultScript,
    ) -> None:
        self.ws = ws
        self._request = request
        self.kind = kind
        self.category = category
        self.conn_id = uuid4().hex[:20]
        self.topics: set[str] = set()
        self.is_known = False
        self.stalled = False
        self._script = script
        self._queue: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        self._held: str | None = None

    def answer(self, message: Row, *, delay_seconds: float) -> None:
        """Send an answer, no sooner than in a while; those behind it wait."""
        self._put(json.dumps(message, separators=(",", ":")), delay_seconds)

    def push(self, message: Row) -> None:
        """Send a message of a topic, or let happen to it what the script says."""
        text = json.dumps(message, separators=(",", ":"))
        fault = self._script.draw(f"stream/{self.kind}/{message['topic']}", ON_STREAMS)
        if fault is None:
            self._put(text)
            self._release()
            return
        if fault.kind == "STALL":
            self.stalled = True
            if seconds := fault.more.get("seconds"):
                asyncio.get_running_loop().call_later(float(seconds), self.resume)
        elif fault.kind == "REORDER":
            self._release()
            self._held = text
            asyncio.get_running_loop().call_later(_HELD_SECONDS, self._release)
        elif fault.kind == "DISCONNECT":
            self.abort()
        else:
            garbage = str(fault.more.get("text", _GARBAGE))
            self._put(garbage if fault.kind == "MALFORMED" else text)
            self._put(text)

    def resume(self) -> None:
        self.stalled = False

    def abort(self) -> None:
        """Cut the connection without a word."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    async def run(self, on_message: Any) -> None:
        """Read until the client leaves, while another task sends."""
        sender = asyncio.create_task(self._send())
        try:
            async for message in self.ws:
                if message.type == WSMsgType.PING and not self.stalled:
                    await self.ws.pong(message.data)
                elif message.type == WSMsgType.TEXT and not self.stalled:
                    on_message(self, _read(message.data))
        finally:
            sender.cancel()

    async def _send(self) -> None:
        while True:
            until, text = await self._queue.get()
            wait = until - asyncio.get_running_loop().time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not self.stalled and not self.ws.closed:
                try:
                    await self.ws.send_str(text)
                except ConnectionError:
                    return

    def _put(self, text: str, delay_seconds: float = 0) -> None:
        until = asyncio.get_running_loop().time() + delay_seconds
        self._queue.put_nowait((until, text))

    def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._put(held)


def _read(text: str) -> Row | None:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
