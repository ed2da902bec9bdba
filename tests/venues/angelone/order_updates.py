"""Order updates: /smart-order-update, one frame for each change of an order."""

import json

from aiohttp import web

from tests.venues.angelone.orders import UPDATE_CODES, Status
from tests.venues.angelone.replies import Row
from tests.venues.angelone.sessions import TokenBad, TokenExpired, Use
from tests.venues.angelone.sockets import Socket
from tests.venues.angelone.venue import OrderChanged, Venue
from tests.venues.faults import FaultScript

_ZEROS = ("price", "triggerprice", "squareoff", "stoploss", "trailingstoploss", "averageprice")
_TEXTS = (
    *("variety", "ordertype", "producttype", "duration", "quantity", "disclosedquantity"),
    *("tradingsymbol", "transactiontype", "exchange", "symboltoken", "ordertag"),
    *("instrumenttype", "optiontype", "expirydate", "lotsize", "cancelsize", "filledshares"),
    *("unfilledshares", "orderid", "text", "status", "orderstatus", "updatetime", "exchtime"),
    *("exchorderupdatetime", "fillid", "filltime", "parentorderid"),
)
BLANK: Row = {
    **dict.fromkeys(_TEXTS, ""),
    **dict.fromkeys(_ZEROS, 0.0),
    "strikeprice": 0.0,
}


class OrderUpdates:
    """All sockets of order updates."""

    def __init__(self, venue: Venue, script: FaultScript) -> None:
        self.sockets: set[Socket] = set()
        self._venue, self._script = venue, script

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a socket: a word that it is open, then every change."""
        authorization = request.headers.get("Authorization", "")
        if not authorization.startswith("Bearer "):
            return web.Response(status=401)
        try:
            claims = self._venue.sessions.read(
                authorization.removeprefix("Bearer "), use=Use.ACCESS, at=self._venue.now()
            )
        except TokenBad:
            return web.Response(status=401)
        except TokenExpired:
            return web.Response(status=403)
        if len(self.sockets) >= self._venue.settings.connections:
            return web.Response(status=429)
        socket = Socket(request, self._script, int(claims["sid"]))
        self.sockets.add(socket)
        try:
            return await socket.serve(
                opened=lambda: socket.put(self._frame("AB00", BLANK)),
                received=lambda text: socket.put("pong") if text == "ping" else None,
            )
        finally:
            self.sockets.discard(socket)

    def tell(self, changed: OrderChanged) -> None:
        """Send a change to everybody."""
        frame = self._frame(UPDATE_CODES[Status(changed.status)], changed.order)
        for socket in self.sockets:
            socket.put(frame)

    def _frame(self, code: str, order: Row) -> str:
        return json.dumps(
            {
                "user-id": self._venue.settings.client_code,
                "status-code": "200",
                "order-status": code,
                "error-message": "",
                "orderData": order,
            }
        )
