"""What tests tell a running venue: POST /control/NAME with JSON. It is no part of SmartAPI."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.venues.angelone.day import EXPIRED
from tests.venues.angelone.journal import journal_read
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.terms import settings_read

if TYPE_CHECKING:
    from tests.venues.angelone.server import Server

_OPERATIONS = (
    *("price", "liquidity", "house_leave", "cash", "holding", "candles", "interest"),
    *("session_end", "session_begin", "day_begin", "logout_all"),
)

_AFTER_ORDERS = ("price", "house_leave", "session_end", "day_begin")


class Control:
    """The test's side."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._by_name: dict[str, Callable[[Row], Any]] = {
            "fault": self._fault,
            "random": lambda asked: server.script.randomly(**asked),
            "clear": self._clear,
            "clock": self._clock,
            "settings": self._settings,
            "away": self._away,
            "cut": self._cut,
            "push": self._push,
            "cancel": self._cancel,
            "state": self._state,
            "journal": self._journal,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Do what a test asks."""
        name = request.match_info["name"]
        if name not in self._by_name and name not in _OPERATIONS:
            known = sorted([*self._by_name, *_OPERATIONS])
            return web.json_response({"message": f"no {name}; there are {known}"}, status=404)
        try:
            asked = json.loads(await request.text() or "{}")
            answer = self._do(name, asked)
        except (ValueError, KeyError, TypeError, ArithmeticError, Refusal) as error:
            return web.json_response({"message": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response(answer)

    def _do(self, name: str, asked: Row) -> Row:
        if name in self._by_name:
            return self._by_name[name](asked) or {}
        if "symbol" in asked:
            self._server.venue.by_symbol(asked["symbol"])
        if asked.pop("settle", name in _AFTER_ORDERS):
            self._server.settle()
        for orderid in self._server.do(name, **asked) or []:
            self._server.later("enter", orderid=orderid)
        return {}

    def _fault(self, asked: Row) -> None:
        if asked.get("kind") == "CLOCK_SKEW":
            self._clock({"advance_seconds": asked["seconds"]})
        else:
            self._server.script.add(**asked)

    def _clear(self, asked: Row) -> None:
        self._server.script.clear()
        for socket in self._server.sockets():
            socket.stream.resume()

    def _clock(self, asked: Row) -> Row:
        """Set it to ``now``, or move it by ``advance_seconds``."""
        venue = self._server.venue
        offset = venue.offset.total_seconds() + float(asked.get("advance_seconds", 0))
        if "now" in asked:
            offset = (datetime.fromisoformat(asked["now"]) - datetime.now(UTC)).total_seconds()
        self._server.do("clock", offset_seconds=offset)
        self._server.catch_up()
        return {"now": venue.now().isoformat()}

    def _settings(self, asked: Row) -> Row:
        venue = self._server.venue
        changed = settings_read(asked, venue.settings)
        self._server.do("settings", **{name: getattr(changed, name) for name in asked})
        self._server.rest.limits.scale = changed.rate_scale
        self._server.catch_up()
        return asdict(changed)

    def _away(self, asked: Row) -> None:
        self._server.leave(float(asked["seconds"]), int(asked.get("status", 0)))

    def _cut(self, asked: Row) -> Row:
        return {"count": self._server.cut()}

    def _journal(self, asked: Row) -> Row:
        return {"entries": journal_read(self._server.venue.journal.path).entries}

    def _push(self, asked: Row) -> None:
        """Send any ``message``, or bytes in ``hex``, to the sockets of a ``path``."""
        frame = bytes.fromhex(asked["hex"]) if "hex" in asked else str(asked["message"])
        for socket in self._server.sockets(asked.get("path", "")):
            socket.put(frame)

    def _cancel(self, asked: Row) -> None:
        """End an order as the exchange does by itself, named by its id or its tag."""
        venue = self._server.venue
        named = {asked["order"]}
        for order in list(venue.books.working.values()):
            if named & {order.orderid, order.terms.tag}:
                text = str(asked.get("text", EXPIRED))
                self._server.do("withdraw", orderid=order.orderid, text=text)

    def _state(self, asked: Row) -> Row:
        server = self._server
        books = server.venue.books
        return {
            "now": server.venue.now().isoformat(),
            "orders": [order.book_row() for order in books.orders.values()],
            "trades": [trade.row() for trade in books.trades],
            "working": len(books.working),
            "feeds": len(server.feed.sockets),
            "order_updates": len(server.updates.sockets),
            "subscribed": sum(len(socket.subscribed) for socket in server.feed.sockets),
            "faults": server.script.counts(),
            "cash": str(books.cash),
        }
