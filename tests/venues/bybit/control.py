"""What tests tell a running venue: POST /control/NAME with JSON."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.venues.bybit.faulting import CodeRule
from tests.venues.bybit.journal import journal_read
from tests.venues.bybit.replies import Row

if TYPE_CHECKING:
    from tests.venues.bybit.server import Server

# They find all in the book that was acknowledged before, unless ``settle`` is false.
_OPERATIONS = ("price", "trade", "house_leave", "coin", "funding", "take_position")


class Control:
    """Handlers of the control side; they are no part of Bybit."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._by_name: dict[str, Callable[[Row], Any]] = {
            "fault": self._fault,
            "random": self._random,
            "clear": self._clear,
            "clock": self._clock,
            "away": self._away,
            "cut": self._cut,
            "push": self._push,
            "kline": self._kline,
            "cancel": self._cancel,
            "state": self._state,
            "journal": self._journal,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Do what a test asks."""
        name = request.match_info["name"]
        asked = json.loads(await request.text() or "{}")
        if name not in self._by_name and name not in _OPERATIONS:
            known = sorted([*self._by_name, *_OPERATIONS])
            message = f"no control {name}; there are {known}"
            return web.json_response({"message": message}, status=404)
        try:
            answer = self._do(name, asked)
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"message": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response(answer)

    def _do(self, name: str, asked: Row) -> Row:
        if name in self._by_name:
            return self._by_name[name](asked) or {}
        if asked.pop("settle", True):
            self._server.settle()
        self._server.venue.do(name, **asked)
        return {}

    def _fault(self, asked: Row) -> None:
        if asked.get("kind") == "CLOCK_SKEW":
            self._clock(asked)
        elif asked.get("kind") == "RETCODE":
            self._server.codes.add(CodeRule(**{k: v for k, v in asked.items() if k != "kind"}))
        else:
            self._server.script.add(**asked)

    def _random(self, asked: Row) -> None:
        self._server.script.randomly(**asked)

    def _clear(self, asked: Row) -> None:
        self._server.script.clear()
        self._server.codes.clear()
        for socket in self._server.streams.sockets:
            socket.resume()

    def _clock(self, asked: Row) -> None:
        self._server.venue.clock_offset_ms = int(asked.get("offset_ms", 0))

    def _away(self, asked: Row) -> None:
        self._server.leave(float(asked["seconds"]), int(asked.get("status", 0)))

    def _cut(self, asked: Row) -> Row:
        return {"count": self._server.cut()}

    def _push(self, asked: Row) -> None:
        """Send any text to all sockets of a kind."""
        for socket in self._server.streams.sockets:
            if socket.kind == asked.get("kind", "private"):
                socket.answer(asked["message"], delay_seconds=0)

    def _kline(self, asked: Row) -> None:
        """Send a candle of the test's own making."""
        symbol, interval = asked["symbol"], asked["candle"]["interval"]
        message = {"type": "snapshot", "data": [asked["candle"]]}
        category = asked.get("category", "linear")
        self._server.streams.push_public(category, f"kline.{interval}.{symbol}", message)

    def _cancel(self, asked: Row) -> None:
        """End an order as the venue does by itself."""
        venue = self._server.venue
        found = [
            order
            for order in venue.open_orders.values()
            if asked["order"] in (order.order_id, order.link_id)
        ]
        for order in found:
            kind = asked.get("cancel_type", "CancelByAdmin")
            venue.do("cancel", order_id=order.order_id, cancel_type=kind)

    def _state(self, asked: Row) -> Row:
        streams, venue = self._server.streams, self._server.venue
        return {
            "sockets": [
                {"kind": s.kind, "category": s.category, "topics": sorted(s.topics)}
                for s in streams.sockets
            ],
            "connections": streams.connections,
            "orders": len(venue.orders),
            "open_orders": len(venue.open_orders),
            "faults_met": self._server.script.met,
            "now_ms": venue.now_ms(),
        }

    def _journal(self, asked: Row) -> Row:
        return {"entries": journal_read(self._server.venue.journal.path).entries}
