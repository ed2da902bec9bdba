"""Faults on a real aiohttp server: requests cut before and after they count, streams that lie."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.venues.faults import FaultScript, FaultyStream, Frame, faults_on_requests


class Server:
    """Counts what it handled."""

    def __init__(self) -> None:
        self.script = FaultScript()
        self.handled = 0
        self.url = ""

    async def _handle(self, request: web.Request) -> web.Response:
        self.handled += 1
        return web.json_response({"handled": self.handled})

    async def ask(self) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/order", json={}) as response,
        ):
            return response.status, await response.text()

    async def run(self, work: Callable[["Server"], Awaitable[None]]) -> None:
        application = web.Application(middlewares=[faults_on_requests(self.script)])
        application.router.add_post("/order", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            await work(self)
        finally:
            await runner.cleanup()


@pytest.mark.parametrize(("kind", "handled"), [("DROP_BEFORE", 0), ("DROP_AFTER", 1), ("RESET", 0)])
def test_a_cut_connection_gives_no_answer_and_counts_only_after(kind: str, handled: int) -> None:
    async def work(server: Server) -> None:
        server.script.add(kind, endpoint="/order")
        with pytest.raises(aiohttp.ClientConnectionError):
            await server.ask()
        assert server.handled == handled
        assert (await server.ask())[0] == 200

    asyncio.run(Server().run(work))


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("EMPTY", 200, ""),
        ("HTML", 200, "<html"),
        ("STATUS_502", 502, "502 Bad Gateway"),
        ("STATUS_503", 503, "503 Service"),
        ("STATUS_403", 403, "403 Forbidden"),
    ],
)
@pytest.mark.parametrize("accepted", [False, True])
def test_another_answer_comes_whether_the_request_counts_or_not(
    kind: str, status: int, text: str, accepted: bool
) -> None:
    async def work(server: Server) -> None:
        server.script.add(kind, accepted=accepted)
        answer = await server.ask()
        assert answer[0] == status
        assert text in answer[1]
        assert server.handled == int(accepted)

    asyncio.run(Server().run(work))


@pytest.mark.parametrize("accepted", [False, True])
def test_a_delayed_request_counts_before_or_after_the_wait(accepted: bool) -> None:
    async def work(server: Server) -> None:
        server.script.add("DELAY", seconds=0.3, accepted=accepted)
        asked = asyncio.create_task(server.ask())
        while not server.script.met:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        assert server.handled == int(accepted)
        assert await asked == (200, '{"handled": 1}')

    asyncio.run(Server().run(work))


async def _streamed(script: FaultScript, frames: list[Frame]) -> tuple[list[Frame], bool]:
    sent: list[Frame] = []
    is_cut = False

    async def send(frame: Frame) -> None:
        sent.append(frame)

    def cut() -> None:
        nonlocal is_cut
        is_cut = True

    stream = FaultyStream(script=script, endpoint="/stream", send=send, cut=cut)
    running = asyncio.create_task(stream.run())
    for frame in [*frames, "end"]:
        stream.put(frame)
    while "end" not in sent and not (stream.is_stalled or is_cut):
        await asyncio.sleep(0.005)
    running.cancel()
    return sent, is_cut


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("DUPLICATE", ["one", "one", "two", "end"]),
        ("REORDER", ["two", "one", "end"]),
        ("LOSE", ["two", "end"]),
        ("MALFORMED", ["o", "two", "end"]),
        ("DELAY", ["one", "two", "end"]),
    ],
)
def test_messages_go_wrong_one_by_one(kind: str, sent: list[Frame]) -> None:
    script = FaultScript()
    more: dict[str, Any] = {"seconds": 0.05} if kind == "DELAY" else {}
    script.add(kind, endpoint="/stream", **more)
    assert asyncio.run(_streamed(script, ["one", "two"])) == (sent, False)


def test_a_binary_message_is_cut_in_half() -> None:
    script = FaultScript()
    script.add("MALFORMED")
    assert asyncio.run(_streamed(script, [bytes(51)]))[0] == [bytes(25), "end"]


def test_a_stalled_stream_is_silent_and_open() -> None:
    script = FaultScript()
    script.add("STALL", skip=1)
    assert asyncio.run(_streamed(script, ["one", "two"])) == (["one"], False)


def test_a_stream_is_cut() -> None:
    script = FaultScript()
    script.add("DISCONNECT", skip=1)
    sent, is_cut = asyncio.run(_streamed(script, ["one", "two"]))
    assert is_cut
    assert sent[0] == "one"


def test_a_reordered_message_without_a_follower_comes_by_itself() -> None:
    script = FaultScript()
    script.add("REORDER", skip=1, seconds=0.05)
    assert asyncio.run(_streamed(script, ["one"])) == (["one", "end"], False)
