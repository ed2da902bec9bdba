"""Sends a stream's messages in order, and lets them go wrong as the script says."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.venues.faults.script import ON_STREAMS, Fault, FaultScript, Kind

Frame = str | bytes
_WAIT_FOR_NEXT = 0.2  # seconds that a reordered message waits for another to come first


class FaultyStream:
    """One connection's way out: ``put`` never waits, ``run`` sends until it is cancelled.

    Attributes:
        is_stalled: Messages are lost now although the connection is open.
    """

    def __init__(
        self,
        *,
        script: FaultScript,
        endpoint: str,
        send: Callable[[Frame], Awaitable[None]],
        cut: Callable[[], None],
    ) -> None:
        """Prepare; ``cut`` ends the connection without a word."""
        self.is_stalled = False
        self._script, self._endpoint = script, endpoint
        self._send, self._cut = send, cut
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()

    def put(self, frame: Frame) -> None:
        """Send a message after those before it."""
        self._frames.put_nowait(frame)

    def resume(self) -> None:
        """End a stall; what was lost stays lost."""
        self.is_stalled = False

    async def run(self) -> None:
        """Send what is put, for as long as the connection takes it."""
        while True:
            frame = await self._frames.get()
            fault = self._script.draw(self._endpoint, ON_STREAMS)
            if fault is not None and fault.kind is Kind.STALL:
                self._stall(fault)
            if self.is_stalled:
                continue
            if fault is None:
                await self._send(frame)
            else:
                await self._go_wrong(fault, frame)

    async def _go_wrong(self, fault: Fault, frame: Frame) -> None:
        match fault.kind:
            case Kind.DISCONNECT:
                self._cut()
            case Kind.DUPLICATE:
                await self._send(frame)
                await self._send(frame)
            case Kind.MALFORMED:
                await self._send(garbled(frame, fault))
            case Kind.DELAY:
                await asyncio.sleep(fault.seconds(0.3))
                await self._send(frame)
            case Kind.REORDER:
                await self._next_first(frame, fault.seconds(_WAIT_FOR_NEXT))

    async def _next_first(self, frame: Frame, seconds: float) -> None:
        try:
            following = await asyncio.wait_for(self._frames.get(), seconds)
        except TimeoutError:
            pass
        else:
            await self._send(following)
        await self._send(frame)

    def _stall(self, fault: Fault) -> None:
        self.is_stalled = True
        if seconds := fault.seconds(0):
            asyncio.get_running_loop().call_later(seconds, self.resume)


def garbled(frame: Frame, fault: Fault) -> Frame:
    """Return what a malformed message looks like: half of it, or what the fault says."""
    if isinstance(frame, bytes):
        return (
            bytes.fromhex(fault.more["body"]) if "body" in fault.more else frame[: len(frame) // 2]
        )
    return str(fault.more.get("body", frame[: len(frame) // 2]))
