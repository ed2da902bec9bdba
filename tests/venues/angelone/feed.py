"""The market feed: /smart-stream, binary packets of what was subscribed."""

import json
from typing import Any

from aiohttp import web

from tests.venues.angelone.instruments import EXCHANGE_TYPES
from tests.venues.angelone.packets import Mode, packet
from tests.venues.angelone.sessions import TokenBad, TokenExpired, Use
from tests.venues.angelone.sockets import Socket
from tests.venues.angelone.venue import Key, Venue
from tests.venues.faults import FaultScript

_EXCHANGES = {number: exchange for exchange, number in EXCHANGE_TYPES.items()}
_LARGEST_DEPTH = 50


class Unfit(Exception):
    """A handshake that is refused, with the part of it that is wrong."""


class Feed:
    """All sockets of the feed."""

    def __init__(self, venue: Venue, script: FaultScript) -> None:
        self.sockets: set[Socket] = set()
        self._venue, self._script = venue, script

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a socket."""
        try:
            session = self._check(request)
        except Unfit as unfit:
            reason = f"Invalid Header - Invalid {unfit}"
            return web.Response(status=401, headers={"x-error-message": reason})
        if len(self.sockets) >= self._venue.settings.connections:
            reason = "Connection Limit Exceeded"
            return web.Response(status=429, headers={"x-error-message": reason})
        socket = Socket(request, self._script, session)
        self.sockets.add(socket)
        try:
            return await socket.serve(
                opened=lambda: None, received=lambda text: self._received(socket, text)
            )
        finally:
            self.sockets.discard(socket)

    def tick(self, key: Key) -> None:
        """Send a market to those who want it."""
        for socket in self.sockets:
            for mode in Mode:
                if (mode, key) in socket.subscribed:
                    self._send(socket, mode, key)

    def tick_all(self) -> None:
        """Send every market to those who want it."""
        for socket in self.sockets:
            for mode, key in sorted(socket.subscribed):
                self._send(socket, Mode(mode), key)

    def _send(self, socket: Socket, mode: Mode, key: Key) -> None:
        socket.put(packet(self._venue.market(key), mode, self._venue.now()))

    def _check(self, request: web.Request) -> int:
        """Return the session of who connects, by headers or by query as browsers do."""
        headers, query, settings = request.headers, request.query, self._venue.settings
        if query.get("clientCode", headers.get("x-client-code")) != settings.client_code:
            raise Unfit("Client Code")
        if query.get("apiKey", headers.get("x-api-key")) != settings.api_key:
            raise Unfit("API Key")
        feed_token = query.get("feedToken", headers.get("x-feed-token", ""))
        session = self._session(feed_token, Use.FEED, "Feed Token")
        if "feedToken" not in query:
            token = headers.get("Authorization", "").removeprefix("Bearer ")
            session = self._session(token, Use.ACCESS, "Auth token")
        return session

    def _session(self, token: str, use: Use, name: str) -> int:
        try:
            claims = self._venue.sessions.read(token, use=use, at=self._venue.now())
        except (TokenBad, TokenExpired):
            raise Unfit(name) from None
        return int(claims["sid"])

    def _received(self, socket: Socket, text: str) -> None:
        if text == "ping":
            socket.put("pong")
            return
        try:
            asked = json.loads(text)
            action, mode = asked["action"], Mode(asked["params"]["mode"])
            wanted = {(mode, key) for key in self._keys(asked["params"]["tokenList"])}
        except (ValueError, KeyError, TypeError):
            socket.put(_error(text, "E1001", "Invalid Request Payload."))
            return
        if action == 0:
            socket.subscribed -= wanted
            return
        if problem := self._problem(socket, mode, wanted):
            socket.put(_error(text, "E1002", f"Invalid Request. {problem}"))
            return
        fresh = wanted - socket.subscribed
        socket.subscribed |= fresh
        for _, key in sorted(fresh):
            self._send(socket, mode, key)

    def _keys(self, token_list: list[dict[str, Any]]) -> set[Key]:
        keys = {
            (_EXCHANGES[each["exchangeType"]], str(token))
            for each in token_list
            for token in each["tokens"]
        }
        return keys & self._venue.instruments.keys()  # what is not listed never ticks

    def _problem(self, socket: Socket, mode: Mode, wanted: set[tuple[Mode, Key]]) -> str:
        if len(socket.subscribed | wanted) > self._venue.settings.subscriptions:
            return "Subscription Limit Exceeded"
        if mode is Mode.DEPTH:
            in_depth = {each for each in socket.subscribed if each[0] == mode} | wanted
            if len(in_depth) > _LARGEST_DEPTH or any(key[0] != "NSE" for _, key in wanted):
                return "Depth is for 50 tokens of NSE_CM"
        return ""


def _error(text: str, code: str, message: str) -> str:
    try:
        correlation = str(json.loads(text)["correlationID"])
    except (ValueError, KeyError, TypeError):
        correlation = ""
    answer = {"correlationID": correlation, "errorCode": code, "errorMessage": message}
    return json.dumps(answer)
