"""Runs the venue as a process of its own: started, controlled, stopped and started again."""

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
from typing import Any, Self

from tests.venues.angelone.journal import Journal, journal_read

PROJECT_DIR = Path(__file__).resolve().parents[3]
_CONTROL_TIMEOUT = 30  # seconds


class ControlRefused(RuntimeError):
    """The control side did not take what a test asked for."""


class AngelOneVenue:
    """A venue process, and the side of it that tests use.

    Attributes:
        port: Chosen at the first start and kept over restarts.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        """Prepare a venue that keeps its journal in ``folder``; see ``VenueSettings``."""
        self.journal_path = folder / "angelone-journal"
        self.port = 0
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; it has what its journal tells."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.venues.angelone", "--while-stdin-is-open"),
                *("--port", str(self.port), "--journal", str(self.journal_path)),
                *("--settings", json.dumps(self._settings, default=str)),
            ],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the Angel One venue did not start on port {self.port}")
        self.port = json.loads(line)["port"]

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it and start it again on the same port and journal; its faults are gone."""
        self.kill()
        self.start()

    def control(self, name: str, **asked: Any) -> dict[str, Any]:
        """Ask the control side.

        Raises:
            ControlRefused: It does not take that; says why.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_CONTROL_TIMEOUT)
        try:
            connection.request("POST", f"/control/{name}", json.dumps(asked, default=str))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ControlRefused(f"{name}: {answer['message']}")
        return answer

    def price(self, symbol: str, price: Decimal | str | int, **terms: Any) -> None:
        """Let the market trade there: ``category``, ``bid``, ``ask``, ``quantity``, ``levels``."""
        self.control("price", symbol=symbol, price=str(price), **terms)

    def fault(self, kind: str, endpoint: str = "", count: int = 1, **more: Any) -> None:
        """Let something go wrong the next ``count`` times where the path ends so."""
        self.control("fault", kind=kind, endpoint=endpoint, count=count, **more)

    def journal(self) -> Journal:
        """Return what it was asked and did until now."""
        return journal_read(self.journal_path)

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            raise RuntimeError("the Angel One venue does not run; start it first")
        process.send_signal(number)
        process.wait(timeout=_CONTROL_TIMEOUT)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None:
            self.stop()


@contextmanager
def angelone_venue(folder: Path, **settings: Any) -> Iterator[AngelOneVenue]:
    """Run a venue for a while."""
    with AngelOneVenue(folder, **settings) as venue:
        yield venue
