"""The process: REST, both websockets, the instrument master and controls on one loopback port."""

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

from tests.venues.angelone.access import Access
from tests.venues.angelone.control import Control
from tests.venues.angelone.day import catch_up
from tests.venues.angelone.feed import Feed
from tests.venues.angelone.gtt import order_of, rules_reached
from tests.venues.angelone.operations import OPERATIONS
from tests.venues.angelone.order_updates import OrderUpdates
from tests.venues.angelone.orders import AMO, Status
from tests.venues.angelone.orders_api import OrdersApi
from tests.venues.angelone.rest import Rest
from tests.venues.angelone.sockets import Socket
from tests.venues.angelone.terms import VenueSettings, settings_read
from tests.venues.angelone.venue import OrderChanged, Venue
from tests.venues.faults import FaultScript, faults_on_requests

HOST = "127.0.0.1"
FEED, UPDATES = "/smart-stream", "/smart-order-update"
MASTER = "/OpenAPI_File/files/OpenAPIScripMaster.json"
_GRACE_SECONDS = 0.1
_ENTERS_BY = {Status.MODIFY_PENDING: "modify_enter", Status.CANCEL_PENDING: "cancel_enter"}
_LOGS_OUT = ("day_begin", "logout", "logout_all")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A venue on the wire."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.script = FaultScript()
        self.rest = Rest(venue, Access(venue, self), OrdersApi(venue, self.script, self))
        self.feed = Feed(venue, self.script)
        self.updates = OrderUpdates(venue, self.script)
        self.port = 0
        self._away_status = 0
        self._numbers = count(1)
        self._entering: dict[int, tuple[asyncio.TimerHandle, str, dict[str, Any]]] = {}
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, operation: str, **fields: Any) -> Any:
        """Change the venue, and let the streams tell."""
        answer = self.venue.do(operation, **fields)
        for rule in rules_reached(self.venue):
            self.venue.do("rule_end", id=rule.id, status="SENTTOEXCHANGE")
            order = self.venue.do("place", asked=order_of(rule))
            self.later("enter", orderid=order.orderid)
        for event in self.venue.taken():
            if isinstance(event, OrderChanged):
                self.updates.tell(event)
            else:
                self.feed.tick(event.key)
        if operation in _LOGS_OUT:
            self._cut_logged_out()
        return answer

    def later(self, operation: str, *, seconds: float | None = None, **fields: Any) -> None:
        """Change the venue when the exchange gets to it; in the order of asking."""
        loop = asyncio.get_running_loop()
        if seconds is not None:
            loop.call_later(seconds, lambda: self.do(operation, **fields))
            return
        number, delay = next(self._numbers), self.venue.settings.entry_delay_ms / 1000
        timer = loop.call_later(delay, lambda: self._enter(number))
        self._entering[number] = (timer, operation, fields)

    def settle(self) -> None:
        """Let the exchange have at once all that was taken."""
        while self._entering:
            self._enter(next(iter(self._entering)))

    def catch_up(self) -> None:
        """Do what is due by the clock."""
        for orderid in catch_up(self.venue):
            self.later("enter", orderid=orderid)
        self._cut_logged_out()

    def sockets(self, path: str = "") -> list[Socket]:
        """Return the open sockets, of a kind or all."""
        of = {FEED: self.feed.sockets, UPDATES: self.updates.sockets}
        return [
            socket for kind, open_now in of.items() for socket in open_now if path in ("", kind)
        ]

    def cut(self) -> int:
        """Cut all sockets; return how many there were."""
        sockets = self.sockets()
        for socket in sockets:
            socket.cut()
        return len(sockets)

    def leave(self, seconds: float, status: int) -> None:
        """Be away for a while: refuse connections, or answer with a status."""
        self._away_status = status
        if status:
            asyncio.get_running_loop().call_later(seconds, self._come_back)
        else:
            self._keep(self._refuse(seconds))
        self.cut()

    async def open(self, port: int) -> None:
        """Start to serve; what was taken before a kill reaches the exchange now."""
        if not self.venue.instruments:
            self.venue.do("list")
        application = web.Application(
            client_max_size=2**20,
            middlewares=[
                self._away,
                self._written_down,
                faults_on_requests(self.script, applies=_is_of_broker),
            ],
        )
        router = application.router
        router.add_post("/control/{name}", Control(self).handle)
        router.add_get(FEED, self.feed.handle)
        router.add_get(UPDATES, self.updates.handle)
        router.add_get(MASTER, self._master)
        router.add_route("*", "/{tail:.*}", self._rest)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GRACE_SECONDS)
        await self._runner.setup()
        await self._listen(port)
        self._keep(self._tick())
        self._resume()

    async def close(self) -> None:
        """Stop; the journal has it all."""
        for task in self._tasks:
            task.cancel()
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        self.venue.journal.close()

    def _enter(self, number: int) -> None:
        timer, operation, fields = self._entering.pop(number)
        timer.cancel()
        self.do(operation, **fields)

    def _resume(self) -> None:
        for order in list(self.venue.books.working.values()):
            if order.status in AMO:
                continue
            if not order.is_entered:
                self.do("enter", orderid=order.orderid)
            if order.status in _ENTERS_BY:
                self.do(_ENTERS_BY[order.status], orderid=order.orderid)
        self.catch_up()

    def _cut_logged_out(self) -> None:
        for socket in self.sockets():
            if socket.session in self.venue.sessions.logged_out:
                socket.cut()

    async def _listen(self, port: int) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, HOST, port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[-1][1]

    async def _refuse(self, seconds: float) -> None:
        assert self._site is not None
        assert self._runner is not None
        await asyncio.sleep(0.02)  # the answer to who asked leaves first
        await self._site.stop()
        for connection in list(self._runner.server.connections if self._runner.server else []):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(seconds)
        await self._listen(self.port)

    def _come_back(self) -> None:
        self._away_status = 0

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.venue.settings.tick_seconds)
            self.catch_up()
            self.feed.tick_all()

    @web.middleware
    async def _away(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._away_status and not request.path.startswith("/control/"):
            page = "<html><body>Service Unavailable</body></html>"
            return web.Response(status=self._away_status, text=page, content_type="text/html")
        return await handler(request)

    @web.middleware
    async def _written_down(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self.rest.written_down(request, handler)

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        if not self.rest.knows(request):
            return web.Response(status=404, text="<html><h1>404 Not Found</h1></html>")
        self.catch_up()
        return await self.rest.handle(request)

    async def _master(self, request: web.Request) -> web.StreamResponse:
        return web.json_response([each.row() for each in self.venue.instruments.values()])


def _is_of_broker(request: web.Request) -> bool:
    """Tell whether faults may meet a request: streams go wrong message by message."""
    return not request.path.startswith(("/control/", FEED, UPDATES))


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
    parser = argparse.ArgumentParser(description="An Angel One SmartAPI venue on a loopback port")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--journal", type=Path, help="comes up with what it tells")
    parser.add_argument("--settings", default="{}", help="JSON of VenueSettings to change")
    parser.add_argument("--while-stdin-is-open", action="store_true")
    asked = parser.parse_args()
    journal = asked.journal or Path(tempfile.mkdtemp(prefix="angelone-venue-")) / "journal"
    running = serve(
        port=asked.port,
        journal=journal,
        settings=settings_read(json.loads(asked.settings), VenueSettings()),
        while_stdin=asked.while_stdin_is_open,
    )
    try:
        asyncio.run(running)
    except KeyboardInterrupt:
        return
