"""One websocket of a client, whichever of the two kinds: its way out, and its end."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from tests.venues.faults import FaultScript, FaultyStream, Frame


class Socket:
    """Serves one connection until it ends.

    Attributes:
        session: Of the token that opened it.
        subscribed: Mode and instrument of what it wants, where it is of the feed.
    """

    def __init__(self, request: web.Request, script: FaultScript, session: int) -> None:
        self.session = session
        self.subscribed: set[tuple[int, tuple[str, str]]] = set()
        self._request = request
        self._ws = web.WebSocketResponse(autoping=True, compress=False)
        self.stream = FaultyStream(
            script=script, endpoint=request.path, send=self._send, cut=self.cut
        )

    def put(self, frame: Frame) -> None:
        """Send something when it is its turn."""
        self.stream.put(frame)

    def cut(self) -> None:
        """End the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def serve(
        self, *, opened: Callable[[], None], received: Callable[[str], None]
    ) -> web.WebSocketResponse:
        """Talk until either side ends it."""
        await self._ws.prepare(self._request)
        opened()
        sending = asyncio.create_task(self.stream.run())
        try:
            async for message in self._ws:
                if message.type is WSMsgType.TEXT:
                    received(message.data)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, RuntimeError):
                await sending
        return self._ws

    async def close(self) -> None:
        """End it in order."""
        await self._ws.close()

    async def _send(self, frame: Frame) -> None:
        with contextlib.suppress(ConnectionError):
            send: Awaitable[None]
            if isinstance(frame, str):
                send = self._ws.send_str(frame)
            else:
                send = self._ws.send_bytes(frame)
            await send
