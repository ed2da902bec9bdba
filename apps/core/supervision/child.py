"""One supervised program: when to start it, and how to end it with all that it started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.core.supervision.output import LinePrinter


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A program to keep running.

    Attributes:
        name: Short, for prefixes and messages.
        command: Program and arguments.
        env: Added to the environment of the supervisor.
        cwd: Its folder; None for the supervisor's.
        stop_seconds: How long it may take to stop before it is killed.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a restart.

    Attributes:
        first_seconds: The wait after the first end; each further one doubles it.
        limit_seconds: The longest wait.
        healthy_seconds: A program that ran this long starts again from the first wait.
    """

    first_seconds: float = 0.5
    limit_seconds: float = 30.0
    healthy_seconds: float = 60.0

    def wait_seconds(self, ends_in_a_row: int) -> float:
        """Return the wait after so many ends in a row, the first of which counts as 1."""
        return float(min(self.limit_seconds, self.first_seconds * 2 ** min(ends_in_a_row - 1, 30)))


class Child:
    """A program of the supervisor, in a process group of its own."""

    def __init__(self, spec: ProcessSpec, *, backoff: Backoff, printer: LinePrinter) -> None:
        self.spec = spec
        self._backoff = backoff
        self._printer = printer
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0  # monotonic seconds
        self._due_at = 0.0  # monotonic seconds
        self._ends_in_a_row = 0

    @property
    def pid(self) -> int | None:
        """The process id, which is its group's too; None while it does not run."""
        return self._process.pid if self._process is not None else None

    @property
    def is_due(self) -> bool:
        """Whether it does not run and has waited long enough."""
        return self._process is None and time.monotonic() >= self._due_at

    def start(self) -> None:
        """Start the program; one that cannot be started is tried again like one that ended."""
        self._started_at = time.monotonic()
        try:
            process = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.spec.env},
                cwd=self.spec.cwd,
                start_new_session=True,  # Ctrl-C reaches us alone; we decide in which order to stop
            )
        except OSError as error:
            self._plan_restart(f"cannot be started: {error}")
            return
        self._process = process
        if process.stdout is not None:
            self._printer.pump(self.spec.name, process.stdout)

    def has_ended(self) -> bool:
        """Return whether the program ended since the last look, and plan its restart if so."""
        if self._process is None or self._process.poll() is None:
            return False
        status = self._process.returncode
        self.kill()
        self._plan_restart(f"ended ({_in_words(status)})")
        return True

    def terminate(self) -> None:
        """Ask the program to stop; it is for the program to stop its own children."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, deadline: float) -> bool:
        """Return whether the program has stopped by then, in monotonic seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End the program and everything in its group at once; nothing happens if all has gone."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: only zombies left
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _plan_restart(self, reason: str) -> None:
        now = time.monotonic()
        was_healthy = now - self._started_at >= self._backoff.healthy_seconds
        self._ends_in_a_row = 1 if was_healthy else self._ends_in_a_row + 1
        wait_seconds = self._backoff.wait_seconds(self._ends_in_a_row)
        self._due_at = now + wait_seconds
        self._printer.line(self.spec.name, f"{reason}; starts again in {wait_seconds:g} s")


def _in_words(status: int) -> str:
    return f"status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
