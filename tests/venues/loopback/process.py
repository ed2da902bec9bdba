"""Runs the venue as a process of its own: started, controlled, killed and started again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.venues.loopback.journal import Journal, journal_read
from tests.venues.loopback.terms import VenueSettings, settings_read

PROJECT_DIR = Path(__file__).resolve().parents[3]
_CONTROL_TIMEOUT = 30  # seconds


class ControlRefused(RuntimeError):
    """The control endpoint did not take what a test asked for."""


class LoopbackVenue:
    """A venue process, and the side of it that tests use.

    Attributes:
        port: Chosen at the first start and kept over restarts.
    """

    def __init__(self, journal_path: Path, **settings: Any) -> None:
        """Prepare a venue that keeps ``journal_path`` and starts with some settings changed."""
        self.journal_path = journal_path
        self.port = 0
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def process_id(self) -> int:
        """The running process."""
        return self._running().pid

    def start(self) -> None:
        """Start it; it has what its journal tells."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.venues.loopback.server", "--while-stdin-is-open"),
                *("--port", str(self.port), "--journal", str(self.journal_path)),
                *("--settings", json.dumps(self._settings, default=_wire)),
            ],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line.isdigit():
            self.stop()
            raise RuntimeError(f"the loopback venue did not start on port {self.port}")
        self.port = int(line)

    def kill(self) -> None:
        """Kill it as a crash would: no signal that it could catch."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kill it and start it again on the same port and journal; its faults are gone."""
        self.kill()
        self.start()

    def control(self, name: str, **asked: Any) -> dict[str, Any]:
        """Ask the control endpoint.

        Raises:
            ControlRefused: It does not take that; says why.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_CONTROL_TIMEOUT)
        try:
            body = json.dumps(asked, default=_wire)
            connection.request("POST", f"/control/{name}", body)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ControlRefused(f"{name}: {answer['message']}")
        return answer

    def price(self, symbol: str, last: Decimal | str | int, **terms: Any) -> None:
        """Set the market of a symbol: ``bid``, ``ask``, ``liquidity``, ``levels``, ``step``."""
        numbers = {
            k: v if isinstance(v, int) and k == "levels" else str(v) for k, v in terms.items()
        }
        self.control("price", symbol=symbol, last=str(last), **numbers)

    def fault(self, fault: str, **rule: Any) -> None:
        """Let something go wrong: the next time at ``endpoint`` unless the rule says otherwise."""
        self.control("fault", fault=fault, **rule)

    def settings(self) -> VenueSettings:
        """Return how the venue is now."""
        return settings_read(self.control("state")["settings"], VenueSettings())

    def journal(self) -> Journal:
        """Return all that it has written down until now."""
        return journal_read(self.journal_path)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the loopback venue does not run; start it first")
        return self._process

    def _end(self, number: signal.Signals) -> None:
        process = self._running()
        process.send_signal(number)
        process.wait(timeout=_CONTROL_TIMEOUT)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.stop()


def _wire(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} does not go into JSON")


@contextmanager
def loopback_venue(journal_path: Path, **settings: Any) -> Iterator[LoopbackVenue]:
    """Run a venue for a while."""
    with LoopbackVenue(journal_path, **settings) as venue:
        yield venue
