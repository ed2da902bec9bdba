"""The process: REST, websockets and controls on one loopback port."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.venues.bybit.control import Control
from tests.venues.bybit.dispatch import Dispatch
from tests.venues.bybit.faulting import CodeScript
from tests.venues.bybit.operations import OPERATIONS
from tests.venues.bybit.order_socket import OrderSocket
from tests.venues.bybit.rest import Rest
from tests.venues.bybit.streams import Streams
from tests.venues.bybit.terms import VenueSettings, settings_read
from tests.venues.bybit.venue import Venue
from tests.venues.faults import FaultScript, faults_on_requests

_HOST = "127.0.0.1"
_GRACE_SECONDS = 0.1


class Server:
    """A venue on the wire."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.script = FaultScript()
        self.dispatch = Dispatch(venue, self.script, self.later)
        self.codes = CodeScript()
        self.rest = Rest(venue, self.dispatch, self.codes)
        orders = OrderSocket(self.rest, self.dispatch, self.script)
        self.streams = Streams(venue, self.script, orders)
        self.away_status = 0
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count()
        self._waiting: dict[int, Callable[[], Any]] = {}

    def later(self, work: Callable[[], Any]) -> None:
        """Do something when the book gets to it; in the order of asking."""
        delay = self.venue.settings.entry_delay_ms / 1000
        number = next(self._numbers)
        self._waiting[number] = work
        asyncio.get_running_loop().call_later(delay, self._reached, number)

    def settle(self) -> None:
        """Let the book get to all that was acknowledged."""
        while self._waiting:
            self._reached(next(iter(self._waiting)))

    def _reached(self, number: int) -> None:
        work = self._waiting.pop(number, None)
        if work is not None:
            work()

    async def open(self, port: int) -> None:
        """Start to serve; orders that were acknowledged before a kill enter now."""
        application = web.Application(
            client_max_size=2**20,
            middlewares=[
                self._unless_away,
                self.rest.written_down,
                faults_on_requests(self.script, applies=self._is_request),
            ],
        )
        control = Control(self)
        application.router.add_post("/control/{name}", control.handle)
        application.router.add_get(r"/v5/{tail:(?:public|private|trade).*}", self.streams.handle)
        application.router.add_route("*", "/{tail:.*}", self.rest.handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GRACE_SECONDS)
        await self._runner.setup()
        await self.listen(port)
        self._keep(self.streams.tick())
        for order in list(self.venue.pending()):
            self.venue.do("enter", order_id=order.order_id)

    async def listen(self, port: int) -> None:
        """Open the port."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, _HOST, port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[-1][1]

    def leave(self, seconds: float, status: int) -> None:
        """Be away for a while: refuse connections, or answer with a status."""
        self.away_status = status
        loop = asyncio.get_running_loop()
        if status:
            loop.call_later(seconds, self._come_back)
        else:
            self._keep(self._refuse(seconds))
        self.cut()

    def cut(self) -> int:
        """Cut all websockets; return how many there were."""
        sockets = list(self.streams.sockets)
        for socket in sockets:
            socket.abort()
        return len(sockets)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        self.venue.journal.close()

    def _come_back(self) -> None:
        self.away_status = 0

    async def _refuse(self, seconds: float) -> None:
        assert self._site is not None
        assert self._runner is not None
        await asyncio.sleep(0.02)  # the answer to who asked leaves first
        await self._site.stop()
        for connection in list(self._runner.server.connections if self._runner.server else []):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(seconds)
        await self.listen(self.port)

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_request(self, request: web.Request) -> bool:
        return self.dispatch.knows(request.method, request.path)

    @web.middleware
    async def _unless_away(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if self.away_status and not request.path.startswith("/control/"):
            return web.Response(status=self.away_status, text="<html>maintenance</html>")
        return await handler(request)


async def _until_stdin_ends() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def serve(*, port: int, journal: Path, settings: VenueSettings, while_stdin: bool) -> None:
    """Serve for good, or while the standard input is open; say where in one line of JSON."""
    server = Server(Venue(settings, journal, OPERATIONS))
    await server.open(port)
    sys.stdout.write(json.dumps({"port": server.port, "journal": str(journal)}) + "\n")
    sys.stdout.flush()
    try:
        await (_until_stdin_ends() if while_stdin else asyncio.Event().wait())
    finally:
        await server.close()


def main() -> None:
    """Run a venue from the command line."""
    parser = argparse.ArgumentParser(description="A Bybit V5 venue on a loopback port")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--journal", type=Path, help="comes up with what it tells")
    parser.add_argument("--settings", default="{}", help="JSON of VenueSettings to change")
    parser.add_argument("--while-stdin-is-open", action="store_true")
    asked = parser.parse_args()
    journal = asked.journal or Path(tempfile.mkdtemp(prefix="bybit-venue-")) / "journal"
    settings = settings_read(json.loads(asked.settings), VenueSettings())
    running = serve(
        port=asked.port,
        journal=journal,
        settings=settings,
        while_stdin=asked.while_stdin_is_open,
    )
    try:
        asyncio.run(running)
    except KeyboardInterrupt:
        return
