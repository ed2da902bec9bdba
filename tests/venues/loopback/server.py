"""Serves the venue over HTTP: ``python -m tests.venues.loopback.server --port 0 --journal FILE``.

It prints its port and serves on the loopback interface only, until SIGTERM or, with
``--while-stdin-is-open``, until whoever started it is gone.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.venues.loopback.control import CONTROLS
from tests.venues.loopback.faults import BEFORE, DELAYS, Endpoint, Fault, FaultRule
from tests.venues.loopback.fields import Refusal
from tests.venues.loopback.journal import JournalInUse, encode
from tests.venues.loopback.terms import settings_read, settings_wire
from tests.venues.loopback.venue import Answer, Venue

Call = Callable[[Venue, str, Mapping[str, Any]], Answer]

ACCOUNT_HEADER = "X-Loopback-Account"
LARGEST_BODY = 1 << 20
CALLS: dict[tuple[str, str], tuple[Endpoint, Call]] = {
    ("POST", "/v1/orders/place"): (Endpoint.PLACE, Venue.place),
    ("POST", "/v1/orders/amend"): (Endpoint.AMEND, Venue.amend),
    ("POST", "/v1/orders/cancel"): (Endpoint.CANCEL, Venue.cancel),
    ("POST", "/v1/orders/cancel-all"): (Endpoint.CANCEL_ALL, Venue.cancel_all),
    ("GET", "/v1/orders/find"): (Endpoint.FIND, Venue.find),
    ("GET", "/v1/orders/open"): (Endpoint.OPEN, Venue.open),
    ("GET", "/v1/reports"): (Endpoint.REPORTS, Venue.reports),
    ("GET", "/v1/fills"): (Endpoint.FILLS, Venue.fills),
    ("GET", "/v1/positions"): (Endpoint.POSITIONS, Venue.positions),
    ("GET", "/v1/balances"): (Endpoint.BALANCES, Venue.balances),
}


class VenueServer(ThreadingHTTPServer):
    """One thread for each connection; all of them end with the process."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, venue: Venue, port: int) -> None:
        """Listen."""
        self.venue = venue
        super().__init__(("127.0.0.1", port), VenueHandler)


class VenueHandler(BaseHTTPRequestHandler):
    """Hears a request, writes it down, lets happen what should, answers if it may."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: VenueServer

    def do_GET(self) -> None:
        """Serve a read."""
        self._serve()

    def do_POST(self) -> None:
        """Serve a command."""
        self._serve()

    def log_message(self, *args: object) -> None:
        """Say nothing: the journal tells it all."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        try:
            asked = self._asked(parts.query)
            if call := CALLS.get((self.command, parts.path)):
                self._call(*call, asked)
            else:
                self._control(parts.path, asked)
        except Refusal as refusal:
            self._send(refusal.status, {"code": refusal.code, "message": str(refusal)})

    def _asked(self, query: str) -> Mapping[str, Any]:
        if self.command == "GET":
            return dict(parse_qsl(query))
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise Refusal("the body needs its length, up to a mebibyte", code="BODY")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refusal("the request ends before its body does", code="BODY")
        try:
            asked = json.loads(body or b"{}")
        except ValueError as garbage:
            raise Refusal(f"the body is no JSON: {garbage}", code="BODY") from garbage
        if not isinstance(asked, dict):
            raise Refusal("the body must be a JSON object", code="BODY")
        return asked

    def _control(self, path: str, asked: Mapping[str, Any]) -> None:
        control = CONTROLS.get(path.removeprefix("/control/"))
        if control is None or self.command != "POST" or not path.startswith("/control/"):
            raise Refusal(f"{self.command} {path} is unknown", code="PATH", status=404)
        self.server.venue.journal.write([{"kind": "control", "name": path, "asked": asked}])
        self._send(HTTPStatus.OK, control(self.server.venue, asked))

    def _call(self, endpoint: Endpoint, call: Call, asked: Mapping[str, Any]) -> None:
        venue, account = self.server.venue, self.headers.get(ACCOUNT_HEADER, "")
        number = venue.heard(endpoint, account, asked)
        with venue.at_work() as recorder:
            rules = recorder.faults.wire(endpoint, account)
        _wait(rules, Fault.DELAY_BEFORE)
        rule = next((rule for rule in rules if rule.fault not in DELAYS), None)
        if rule is not None and rule.fault in BEFORE:
            self._fail_before(rule, number)
            return
        try:
            status, answer = int(HTTPStatus.OK), call(venue, _key_require(account), asked)
        except Refusal as refusal:
            status, answer = refusal.status, {"code": refusal.code, "message": str(refusal)}
        _wait(rules, Fault.DELAY_AFTER)
        if rule is not None:
            self._fail_after(rule, number, answer)
            return
        venue.answered(number, status=status, code=answer.get("code"))
        self._send(status, answer)

    def _fail_before(self, rule: FaultRule, number: int) -> None:
        """Answer, or do not, without having done anything."""
        time.sleep(rule.seconds)
        self.server.venue.answered(number, fault=rule.fault)
        if rule.fault is Fault.DROP_BEFORE:
            self._drop()
        elif rule.fault is Fault.ERROR_BEFORE:
            self._send(rule.status, {"code": "INTERNAL", "message": "something went wrong"})
        elif rule.fault is Fault.THROTTLE:
            throttled = {"code": "THROTTLED", "message": "too many requests"}
            self._send(HTTPStatus.TOO_MANY_REQUESTS, throttled, retry_after=rule.retry_after)
        else:
            self._send(HTTPStatus.UNAUTHORIZED, {"code": "AUTH", "message": "unknown key"})

    def _fail_after(self, rule: FaultRule, number: int, answer: Answer) -> None:
        """Lose or spoil the answer to what was done."""
        time.sleep(rule.seconds)
        self.server.venue.answered(number, fault=rule.fault)
        if rule.fault is Fault.DROP_AFTER:
            self._drop()
        elif rule.fault is Fault.ERROR_AFTER:
            self._send(rule.status, {"code": "INTERNAL", "message": "something went wrong"})
        elif rule.fault is Fault.MALFORMED:
            self._send_bytes(HTTPStatus.OK, rule.body.encode())
        else:
            whole = encode(answer).encode()
            self._send_bytes(HTTPStatus.OK, whole[: len(whole) // 2], length=len(whole))
            self._drop()

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):  # the desk may have hung up first
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, answer: Answer, *, retry_after: str = "") -> None:
        self._send_bytes(status, encode(answer).encode(), retry_after=retry_after)

    def _send_bytes(
        self, status: int, body: bytes, *, length: int | None = None, retry_after: str = ""
    ) -> None:
        """Answer in one write: a test of speed would otherwise measure packets."""
        head = (
            f"HTTP/1.1 {int(status)} \r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n"
        )
        if retry_after:
            head += f"Retry-After: {retry_after}\r\n"
        self.wfile.write(f"{head}\r\n".encode() + body)

    def handle(self) -> None:
        """Serve a connection until either side ends it; a desk that was killed is no error."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True


def _wait(rules: list[FaultRule], fault: Fault) -> None:
    time.sleep(sum(rule.seconds for rule in rules if rule.fault is fault))


def _key_require(account: str) -> str:
    if not account:
        raise Refusal(f"the header {ACCOUNT_HEADER} is missing", code="AUTH", status=401)
    return account


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="A trading venue on the loopback interface")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--journal", type=Path, required=True, help="kept and continued")
    parser.add_argument("--settings", default="{}", help="JSON, as POST /control/settings takes")
    parser.add_argument("--while-stdin-is-open", action="store_true")
    options = parser.parse_args()
    try:
        venue = Venue(options.journal)
    except JournalInUse as used:
        sys.exit(str(used))
    _settings_apply(venue, options.settings)
    server = VenueServer(venue, options.port)
    port = server.server_address[1]
    venue.journal.write([{"kind": "start", "port": port, "process": os.getpid()}])
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    if options.while_stdin_is_open:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _settings_apply(venue: Venue, raw: str) -> None:
    try:
        wanted = json.loads(raw)
        if wanted:
            with venue.at_work() as recorder:
                changed = settings_read(wanted, recorder.state.settings)
                recorder.emit("settings", settings=settings_wire(changed))
    except (ValueError, Refusal) as unusable:
        sys.exit(f"--settings: {unusable}")


def _stop(number: int, frame: FrameType | None) -> None:
    os._exit(0)  # the journal is whole after each line, so there is nothing to tidy


def _stop_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
