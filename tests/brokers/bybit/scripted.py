"""A raw socket in Bybit's place that answers, byte for byte, what a test tells it to."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

RESET, SILENT_END = b"RESET", b"SILENT_END"
THEN_END = b"THEN_END "  # before an answer that is the connection's last
Answer = bytes | Callable[[], bytes]


def http(body: bytes | str, *, status: str = "200 OK", headers: str = "") -> bytes:
    """Return a whole HTTP answer."""
    raw = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\n{headers}\r\n".encode() + raw


def answered(result: Any = None, *, code: Any = 0, words: str = "OK", headers: str = "") -> bytes:
    """Return an answer in Bybit's envelope."""
    envelope = {
        "retCode": code,
        "retMsg": words,
        "result": result or {},
        "retExtInfo": {},
        "time": 1,
    }
    return http(json.dumps(envelope), headers=headers)


def time_now(*, ahead_seconds: float = 0.0) -> bytes:
    """Return what ``/v5/market/time`` answers on a clock that is ahead of ours."""
    nanoseconds = time.time_ns() + int(ahead_seconds * 1e9)
    return answered({"timeSecond": str(nanoseconds // 10**9), "timeNano": str(nanoseconds)})


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str


@dataclass
class ScriptedVenue:
    """Answers each path from its list, the last answer again and again."""

    port: int
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, path: str, *answers: Answer) -> None:
        """Set what the next requests to a path are answered."""
        self.answers[path] = list(answers)

    def heard_at(self, path: str) -> list[Heard]:
        return [request for request in self.heard if request.path == path]

    def answer(self, path: str) -> bytes:
        waiting = self.answers.get(path)
        if not waiting:
            return time_now() if path == "/v5/market/time" else answered({"list": []})
        chosen = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return chosen() if callable(chosen) else chosen


@contextmanager
def scripted_venue() -> Iterator[ScriptedVenue]:
    """Serve for a while."""
    listener = socket.create_server(("127.0.0.1", 0))
    venue = ScriptedVenue(port=listener.getsockname()[1])
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                thread = threading.Thread(target=_serve, args=(venue, connection))
                threads.append(thread)
                thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield venue
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        accepting.join()
        for thread in threads:
            thread.join()


def _serve(venue: ScriptedVenue, connection: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as reader:
        while line := reader.readline():
            method, target, _ = line.decode().split(" ")
            path, _, query = target.partition("?")
            headers = {}
            while (header := reader.readline().decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = reader.read(int(headers.get("content-length", 0))).decode()
            venue.heard.append(Heard(method, path, query, headers, body))
            reply = venue.answer(path)
            if reply == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if reply in (RESET, SILENT_END):
                connection.close()
                return
            connection.sendall(reply.removeprefix(THEN_END))
            if reply.startswith(THEN_END):
                connection.shutdown(socket.SHUT_RDWR)
