"""One websocket: what it subscribed, and a queue that keeps its messages in order."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from tests.venues.bybit.replies import Row
from tests.venues.faults import ON_STREAMS, Fault, FaultScript, Kind
from tests.venues.faults.streams import garbled

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
        else:
            self._go_wrong(fault, text)

    def _go_wrong(self, fault: Fault, text: str) -> None:
        match fault.kind:
            case Kind.STALL:
                self.stalled = True
                if seconds := fault.seconds(0):
                    asyncio.get_running_loop().call_later(seconds, self.resume)
            case Kind.REORDER:
                self._release()
                self._held = text
                asyncio.get_running_loop().call_later(fault.seconds(_HELD_SECONDS), self._release)
            case Kind.DISCONNECT:
                self.abort()
            case Kind.DELAY:
                self._put(text, fault.seconds(0.3))
            case Kind.MALFORMED:
                self._put(str(garbled(text, fault)))
            case Kind.DUPLICATE:
                self._put(text)
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
