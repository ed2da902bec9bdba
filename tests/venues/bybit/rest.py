"""REST: reads a request as it came, checks who asks and how often, answers in the envelope."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.venues.bybit.dispatch import Dispatch
from tests.venues.bybit.faulting import ON_REQUESTS, Fault, FaultScript
from tests.venues.bybit.limits import RateLimits
from tests.venues.bybit.replies import Refusal, Row, envelope
from tests.venues.bybit.signing import request_check
from tests.venues.bybit.venue import Venue

_WRITTEN_DOWN = ("/v5/order/", "/v5/position/set", "/v5/position/switch", "/v5/position/trading")
_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
_AFTER = frozenset({"DELAY", "DROP_AFTER", "RETCODE"})  # the request was done when they happen
_STATUS = {
    "STATUS_403": "403 Forbidden",
    "STATUS_429": "429 Too Many Requests",
    "STATUS_500": "500 Internal Server Error",
    "STATUS_502": "502 Bad Gateway",
    "STATUS_503": "503 Service Temporarily Unavailable",
}


class Rest:
    """The handler of all ``/v5`` requests."""

    def __init__(self, venue: Venue, dispatch: Dispatch, script: FaultScript) -> None:
        self.venue = venue
        self.limits = RateLimits(venue.settings.rate_scale)
        self._dispatch = dispatch
        self._script = script
        self._number = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or let happen to it what the script says."""
        path = request.path
        raw_query = request.raw_path.partition("?")[2]
        body = await request.text()
        if not self._dispatch.knows(request.method, path):
            return web.Response(status=404, text=_HTML.format("404 Not Found"))
        if request.method == "GET" and body:
            return web.Response(status=403, text=_HTML.format("403 Forbidden"))
        asked = _asked(request.method, raw_query, body)
        number = self.received(path, asked, transport="REST")
        fault = self._script.draw(path, ON_REQUESTS)
        if fault is not None and not _is_done(fault):
            if fault.kind == "RETCODE":
                self.answered(number, int(fault.more["code"]), lost=False)
            return await self._instead(request, fault) or web.Response()
        headers: dict[str, str] = {}
        payload = raw_query if request.method == "GET" else body
        answer = self._answer(request, asked, payload, headers)
        lost = fault is not None and fault.kind not in ("DELAY",)
        self.answered(number, answer["retCode"], lost=lost)
        if fault is not None and (other := await self._instead(request, fault)) is not None:
            return other
        return web.json_response(answer, headers=headers)

    def received(self, path: str, asked: object, *, transport: str) -> int:
        """Write a request down, batches order by order; return its number, 0 for mere reads."""
        if not path.startswith(_WRITTEN_DOWN):
            return 0
        self._number += 1
        fields = asked if isinstance(asked, dict) else {}
        singles = fields.get("request") if path.endswith("-batch") else [fields]
        for single in singles if isinstance(singles, list) else []:
            self.venue.journal.write(
                kind="REQUEST",
                number=self._number,
                at=self.venue.now_ms(),
                transport=transport,
                path=path.removesuffix("-batch"),
                link_id=str(single.get("orderLinkId") or ""),
                order_id=str(single.get("orderId") or ""),
                asked=single,
            )
        return self._number

    def answered(self, number: int, code: int, *, lost: bool) -> None:
        """Write down how a request was answered, and whether the answer got lost."""
        if number:
            self.venue.journal.write(kind="ANSWER", number=number, code=code, lost=lost)

    def _answer(
        self, request: web.Request, asked: object, payload: str, headers: dict[str, str]
    ) -> Row:
        path = request.path
        if not isinstance(asked, dict):
            return self._enveloped({}, code=10001, message="params error: body is not JSON")
        try:
            if not self._dispatch.is_public(path):
                settings = self.venue.settings
                request_check(
                    request.headers,
                    payload,
                    key=settings.api_key,
                    secret=settings.api_secret,
                    now_ms=self.venue.now_ms(),
                )
                headers.update(self.take(path, asked))
            result, extra = self._dispatch.answer(path, asked)
        except Refusal as refusal:
            if refusal.code == 10006:
                headers.update(self.exceeded(path, asked))
            return self._enveloped({}, code=refusal.code, message=refusal.message)
        return self._enveloped(result, extra=extra)

    def take(self, path: str, asked: Mapping[str, Any]) -> dict[str, str]:
        """Count a request against its limit; a batch counts each order."""
        wanted = asked.get("request") if path.endswith("-batch") else None
        count = len(wanted) if isinstance(wanted, list) else 1
        category = str(asked.get("category", ""))
        return self.limits.take(path, category, now_ms=self.venue.now_ms(), count=count)

    def exceeded(self, path: str, asked: Mapping[str, Any]) -> dict[str, str]:
        category = str(asked.get("category", ""))
        return self.limits.headers_exceeded(path, category, now_ms=self.venue.now_ms())

    def _enveloped(self, result: Row, **words: Any) -> Row:
        return envelope(result, at_ms=self.venue.now_ms(), **words)

    async def _instead(self, request: web.Request, fault: Fault) -> web.StreamResponse | None:
        """Return what is answered instead; None where only time passed."""
        if fault.kind == "DELAY":
            await asyncio.sleep(float(fault.more.get("seconds", 0.5)))
            return None
        if fault.kind in ("DROP_BEFORE", "DROP_AFTER", "RESET"):
            await _abort(request)
            return web.Response()
        if fault.kind == "RETCODE":
            words = {"code": int(fault.more["code"]), "message": str(fault.more.get("message", ""))}
            return web.json_response(self._enveloped({}, **words))
        if fault.kind == "EMPTY":
            return web.Response(status=200, text="")
        if fault.kind == "HTML":
            text = _HTML.format("Just a moment...")
            return web.Response(status=200, text=text, content_type="text/html")
        word = _STATUS[fault.kind]
        return web.Response(status=int(word[:3]), text=_HTML.format(word), content_type="text/html")


def _is_done(fault: Fault) -> bool:
    """Tell whether the request is done although its answer goes wrong."""
    return bool(fault.more.get("accepted", fault.kind in _AFTER - {"RETCODE"}))


async def _abort(request: web.Request) -> None:
    """Cut the connection without an answer: the client sees a reset."""
    transport = request.transport
    if transport is not None:
        transport.abort()
    await asyncio.sleep(0)


def _asked(method: str, raw_query: str, body: str) -> object:
    if method == "GET":
        return dict(parse_qsl(raw_query, keep_blank_values=True))
    try:
        return json.loads(body or "{}")
    except json.JSONDecodeError:
        return None
