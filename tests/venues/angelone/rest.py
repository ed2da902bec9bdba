"""REST: reads a request as it came, checks who asks, from where and how often, and answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from aiohttp import web

from tests.venues.angelone import charges, gtt, history, quotes, reads
from tests.venues.angelone.access import Access
from tests.venues.angelone.limits import RateLimits
from tests.venues.angelone.orders_api import OrdersApi
from tests.venues.angelone.replies import RATE_TEXT, Refusal, Row, failure, success
from tests.venues.angelone.venue import Venue
from tests.venues.faults.requests import FAULT

_OPEN = "/rest/auth/angelbroking/"
_SECURE = "/rest/secure/angelbroking/"
_DETAILS = f"{_SECURE}order/v1/details/"
_FROM_REGISTERED_IP = frozenset(
    {
        *("placeOrder", "modifyOrder", "cancelOrder"),
        *("createRule", "modifyRule", "cancelRule"),
    }
)
_WRITTEN_DOWN = _FROM_REGISTERED_IP | {"convertPosition", "getOrderBook", "getTradeBook"}

ANSWER = web.ResponseKey("answer", dict[str, Any])


class Rest:
    """The handler of all ``/rest`` requests."""

    def __init__(self, venue: Venue, access: Access, orders: OrdersApi) -> None:
        self._venue, self._access = venue, access
        self.limits = RateLimits(venue.settings.rate_scale)
        self._number = venue.requests_before
        self._by_path = _table(venue, orders)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request."""
        path = request.path.removeprefix("/gtt-service").rstrip("/")
        name = _name(path)
        if not self.limits.takes(self._venue.settings.client_code, name):
            return web.Response(status=403, text=RATE_TEXT)
        try:
            payload = self._payload(request, path, name, _asked(request, await request.text()))
        except Refusal as refusal:
            is_gateway = refusal.code.startswith("AG")
            status = self._venue.settings.gateway_status if is_gateway else 200
            return _answered(failure(refusal), status)
        return _answered(success(payload), 200)

    async def written_down(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Write down what came, even what then gets lost, and what was answered."""
        name = _name(request.path)
        if name not in _WRITTEN_DOWN and not request.path.startswith(_DETAILS):
            return await handler(request)
        self._number += 1
        number, asked = self._number, _asked(request, await request.text())
        fields = asked if isinstance(asked, dict) else {}
        self._venue.journal.write(
            kind="REQUEST",
            number=number,
            at=self._venue.now().isoformat(),
            path=request.path,
            ordertag=str(fields.get("ordertag") or ""),
            orderid=str(fields.get("orderid") or ""),
            asked=fields,
        )
        answer = await handler(request)
        self._venue.journal.write(kind="ANSWER", number=number, **_written(request, answer))
        return answer

    def _payload(self, request: web.Request, path: str, name: str, asked: object) -> Any:
        if not isinstance(asked, dict):
            raise Refusal("AB1007", "Invalid parameters: the body must be JSON")
        headers = request.headers
        if path.startswith(_OPEN):
            open_to_all = {
                "loginByPassword": self._access.login,
                "generateTokens": self._access.refresh,
            }
            return open_to_all[name](headers, asked)
        if name == "logout":
            return self._access.logout(headers, asked)
        self._access.check(headers)
        if (
            name in _FROM_REGISTERED_IP
            and request.remote not in self._venue.settings.registered_ips
        ):
            raise Refusal("AG7002")
        if path.startswith(_DETAILS):
            return reads.order_details(self._venue, path.removeprefix(_DETAILS))
        return self._by_path[path](asked)

    def knows(self, request: web.Request) -> bool:
        """Tell whether there is something at a path."""
        path = request.path.removeprefix("/gtt-service").rstrip("/")
        return path in self._by_path or path.startswith(_DETAILS) or _name(path) in _SESSION


_SESSION = ("loginByPassword", "generateTokens", "logout")


def _table(venue: Venue, orders: OrdersApi) -> dict[str, Callable[[Row], Any]]:
    """Return what answers where."""

    def of(read: Callable[[Venue, Row], Any]) -> Callable[[Row], Any]:
        return lambda asked: read(venue, asked)

    by_end: dict[str, Callable[[Row], Any]] = {
        "user/v1/getProfile": of(reads.profile),
        "user/v1/getRMS": of(reads.funds),
        "order/v1/placeOrder": orders.place,
        "order/v1/modifyOrder": orders.modify,
        "order/v1/cancelOrder": orders.cancel,
        "order/v1/convertPosition": orders.convert,
        "order/v1/getOrderBook": of(reads.order_book),
        "order/v1/getTradeBook": of(reads.trade_book),
        "order/v1/getPosition": of(reads.positions),
        "order/v1/getLtpData": of(quotes.last_price_read),
        "order/v1/searchScrip": of(quotes.symbols_search),
        "portfolio/v1/getHolding": of(reads.holdings),
        "portfolio/v1/getAllHolding": of(reads.all_holdings),
        "market/v1/quote": of(quotes.quotes_read),
        "historical/v1/getCandleData": of(history.candles_read),
        "historical/v1/getOIData": of(history.interest_read),
        "margin/v1/batch": of(charges.margin_batch),
        "brokerage/v1/estimateCharges": of(charges.charges_estimate),
        "gtt/v1/createRule": orders.rule_create,
        "gtt/v1/modifyRule": orders.rule_modify,
        "gtt/v1/cancelRule": orders.rule_cancel,
        "gtt/v1/ruleDetails": lambda asked: gtt.rule_row(venue, gtt.rule_of(venue, asked)),
        "gtt/v1/ruleList": of(gtt.rule_rows),
    }
    return {f"{_SECURE}{end}": handler for end, handler in by_end.items()}


def _name(path: str) -> str:
    """Return the word under which a path is counted and written down."""
    if path.startswith(_DETAILS):
        return "details"
    return path.rstrip("/").rpartition("/")[2]


def _asked(request: web.Request, body: str) -> object:
    """Return what was asked for: a JSON body, or a query that is one JSON string."""
    if request.method == "GET":
        raw = request.raw_path.partition("?")[2]
        text = unquote_plus(raw)
        if not text.startswith("{"):
            return dict(parse_qsl(raw, keep_blank_values=True))
    else:
        text = body
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        return None


def _written(request: web.Request, answer: web.StreamResponse) -> Row:
    """Return what the journal keeps of an answer, and whether it got to who asked."""
    body, fault = answer.get(ANSWER, {}), request.get(FAULT)
    payload = body.get("data")
    has_gone = request.transport is None or request.transport.is_closing()
    return {
        "http": answer.status,
        "ok": body.get("status") is True,
        "code": body.get("errorcode") or body.get("errorCode") or "",
        "orderid": str(payload.get("orderid", "")) if isinstance(payload, dict) else "",
        "lost": has_gone or (fault is not None and fault.loses_answer),
    }


def _answered(body: Row, status: int) -> web.Response:
    answer = web.json_response(body, status=status)
    answer[ANSWER] = body
    return answer
