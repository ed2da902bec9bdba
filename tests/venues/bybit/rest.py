"""REST: reads a request as it came, checks who asks and how often, answers in the envelope."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.venues.bybit.dispatch import Dispatch
from tests.venues.bybit.faulting import CodeScript
from tests.venues.bybit.limits import RateLimits
from tests.venues.bybit.replies import Refusal, Row, envelope
from tests.venues.bybit.signing import request_check
from tests.venues.bybit.venue import Venue
from tests.venues.faults.requests import FAULT

_WRITTEN_DOWN = ("/v5/order/", "/v5/position/set", "/v5/position/switch", "/v5/position/trading")
_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
NUMBER = web.RequestKey("number", int)
"""Under it a handler finds the number under which the journal has its request."""


class Rest:
    """The handler of all ``/v5`` requests."""

    def __init__(self, venue: Venue, dispatch: Dispatch, codes: CodeScript) -> None:
        self.venue = venue
        self.limits = RateLimits(venue.settings.rate_scale)
        self._dispatch = dispatch
        self._codes = codes
        self._number = 0

    @web.middleware
    async def written_down(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Write a request down before anything happens to it."""
        if self._dispatch.knows(request.method, request.path):
            asked = _asked(request, await request.text())
            request[NUMBER] = self.received(request.path, asked, transport="REST")
        return await handler(request)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        path, body = request.path, await request.text()
        if not self._dispatch.knows(request.method, path):
            return web.Response(status=404, text=_HTML.format("404 Not Found"))
        if request.method == "GET" and body:
            return web.Response(status=403, text=_HTML.format("403 Forbidden"))
        fault, number = request.get(FAULT), request[NUMBER]
        lost = fault is not None and fault.loses_answer
        headers: dict[str, str] = {}
        rule = self._codes.draw(path)
        if rule is None or rule.accepted:
            answer = self._answer(request, _asked(request, body), body, headers)
        if rule is not None:
            answer = self._enveloped({}, code=rule.code, message=rule.message)
        self.answered(number, answer["retCode"], lost=lost)
        return web.json_response(answer, headers=headers)

    def received(self, path: str, asked: object, *, transport: str) -> int:
        """Write a request down, batches order by order; return its number, 0 for mere reads."""
        if not path.startswith(_WRITTEN_DOWN):
            return 0
        self._number += 1
        fields = asked if isinstance(asked, dict) else {}
        singles = fields.get("request") if path.endswith("-batch") else [fields]
        for single in singles if isinstance(singles, list) else []:
            if not isinstance(single, dict):
                continue
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

    def take(self, path: str, asked: Mapping[str, Any]) -> tuple[dict[str, str], int]:
        """Count a request against its limit, a batch order by order; see ``RateLimits.take``."""
        wanted = asked.get("request") if path.endswith("-batch") else None
        count = len(wanted) if isinstance(wanted, list) else 1
        category = str(asked.get("category", ""))
        return self.limits.take(path, category, now_ms=self.venue.now_ms(), count=count)

    def exceeded(self, path: str, asked: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers of a refusal for the rate."""
        category = str(asked.get("category", ""))
        return self.limits.headers_exceeded(path, category, now_ms=self.venue.now_ms())

    def _answer(
        self, request: web.Request, asked: object, body: str, headers: dict[str, str]
    ) -> Row:
        if not isinstance(asked, dict):
            return self._enveloped({}, code=10001, message="params error: body is not JSON")
        path, room = request.path, 0
        try:
            if not self._dispatch.is_public(path):
                settings = self.venue.settings
                request_check(
                    request.headers,
                    _raw_query(request) if request.method == "GET" else body,
                    key=settings.api_key,
                    secret=settings.api_secret,
                    now_ms=self.venue.now_ms(),
                )
                left, room = self.take(path, asked)
                headers.update(left)
            result, extra = self._dispatch.answer(path, asked, room=room)
        except Refusal as refusal:
            if refusal.code == 10006:
                headers.update(self.exceeded(path, asked))
            return self._enveloped({}, code=refusal.code, message=refusal.message)
        return self._enveloped(result, extra=extra)

    def _enveloped(self, result: Row, **words: Any) -> Row:
        return envelope(result, at_ms=self.venue.now_ms(), **words)


def _raw_query(request: web.Request) -> str:
    """Return the query as it came: what was signed."""
    return request.raw_path.partition("?")[2]


def _asked(request: web.Request, body: str) -> object:
    if request.method == "GET":
        return dict(parse_qsl(_raw_query(request), keep_blank_values=True))
    try:
        return json.loads(body or "{}")
    except json.JSONDecodeError:
        return None
