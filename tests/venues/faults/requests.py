"""Lets requests to an aiohttp venue go wrong as the script says, before or after they are taken."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from tests.venues.faults.script import ON_REQUESTS, Fault, FaultScript, Kind

FAULT = web.RequestKey("fault", Fault)
"""Under it a handler finds what happens to its answer."""

_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
_STATUS = {
    Kind.STATUS_403: "403 Forbidden",
    Kind.STATUS_429: "429 Too Many Requests",
    Kind.STATUS_500: "500 Internal Server Error",
    Kind.STATUS_502: "502 Bad Gateway",
    Kind.STATUS_503: "503 Service Temporarily Unavailable",
}


def faults_on_requests(
    script: FaultScript, *, applies: Callable[[web.Request], bool] | None = None
) -> Middleware:
    """Return the middleware.

    Args:
        applies: Which requests it may meet; leave out controls and websockets. None: all.
    """

    @web.middleware
    async def faulted(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        fault = (
            script.draw(request.path, ON_REQUESTS) if applies is None or applies(request) else None
        )
        if fault is None:
            return await handler(request)
        request[FAULT] = fault
        await request.read()
        answer = await handler(request) if fault.is_accepted else None
        if fault.kind is Kind.DELAY:
            await asyncio.sleep(fault.seconds(0.5))
            return answer if answer is not None else await handler(request)
        return await _instead(request, fault)

    return faulted


async def connection_abort(request: web.Request) -> None:
    """Cut a connection without an answer: the client sees a reset."""
    if request.transport is not None:
        request.transport.abort()
    await asyncio.sleep(0)


async def _instead(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.kind in (Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.RESET):
        await connection_abort(request)
        return web.Response()
    if fault.kind is Kind.EMPTY:
        return web.Response(text="")
    if fault.kind is Kind.HTML:
        return web.Response(text=_page(fault, "Just a moment..."), content_type="text/html")
    word = _STATUS[fault.kind]
    return web.Response(status=int(word[:3]), text=_page(fault, word), content_type="text/html")


def _page(fault: Fault, word: str) -> str:
    return str(fault.more.get("body", _HTML.format(word)))
