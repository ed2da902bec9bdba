"""What goes to Sentry holds no secret: no local, header, cookie, body, query or context."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from apps.core.sealing import key_entry_generate

CANARY = "canary-7f3a91-secret"
PROJECT_DIR = Path(__file__).resolve().parents[2]


@contextmanager
def reports_taken() -> Iterator[tuple[str, list[str]]]:
    """Serve as Sentry, and as the venue that is asked; yield the address and what was reported."""
    reports: list[str] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            reports.append((gzip.decompress(body) if is_packed else body).decode())
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", reports
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_report_of_a_failure_holds_what_failed_and_no_secret() -> None:
    keys = key_entry_generate("canary")
    with reports_taken() as (address, reports):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.core.failing_desk", f"http://{address}", CANARY],
            cwd=PROJECT_DIR,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tradingsite.settings.test",
                "DATABASE_URL": f"postgresql://desk:{CANARY}@127.0.0.1:1/desk",
                "REDIS_URL": f"redis://:{CANARY}@127.0.0.1:1/0",
                "DESK_SECRET_KEY": f"{CANARY}{'k' * 50}",
                "DESK_SEALING_KEYS": keys,
                "DESK_SENTRY_DSN": f"http://public@{address}/1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    told = "".join(reports)
    assert "the venue refused" in told
    assert "told with a context" in told
    assert "OperationalError" in told
    assert '"method":"POST"' in told.replace(" ", "")
    for secret in (CANARY, keys.partition(":")[2], "a@desk.example"):
        assert secret not in told
    assert CANARY not in ended.stderr + ended.stdout
