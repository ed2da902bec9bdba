"""Keeps a list of programs running until it is asked to stop, from a thread or as the main loop."""

import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import TextIO

from apps.core.supervision.child import Backoff, Child, ProcessSpec
from apps.core.supervision.guard import Guard
from apps.core.supervision.output import LinePrinter

LOOK_SECONDS = 0.05
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OWN_NAME = "desk"


class Supervisor:
    """Runs programs in the order given and stops them in the reverse order.

    A program that ends is started again, for ever, after a wait that grows. Use `run` from the main
    thread, or `start` and `stop` around other work.
    """

    def __init__(
        self, *, specs: Sequence[ProcessSpec], output: TextIO, backoff: Backoff | None = None
    ) -> None:
        names = [OWN_NAME, *(spec.name for spec in specs)]
        self._printer = LinePrinter(output, names)
        self._children = [
            Child(spec, backoff=backoff or Backoff(), printer=self._printer) for spec in specs
        ]
        self._stop_asked = threading.Event()
        self._kill_asked = threading.Event()
        self._all_started = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        """Write a line of the supervisor's own between those of the programs."""
        self._printer.line(OWN_NAME, text)

    def pids(self) -> dict[str, int]:
        """Return the process id of each program that runs now."""
        pids = ((child.spec.name, child.pid) for child in self._children)
        return {name: pid for name, pid in pids if pid is not None}

    def start(self) -> None:
        """Start the programs and look after them from a thread; return once all were started."""
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._thread.start()
        self._all_started.wait()

    def stop(self) -> None:
        """Stop the programs; return when none is left."""
        self._stop_asked.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def run(self) -> None:
        """Supervise from the main thread until SIGINT, SIGTERM or SIGHUP; a second one kills."""
        heard = [number for number in STOP_SIGNALS if not _is_under_nohup(number)]
        former = {number: signal.signal(number, self._on_signal) for number in heard}
        try:
            self._supervise()
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_asked.is_set():
            self._kill_asked.set()
        self._stop_asked.set()

    def _supervise(self) -> None:
        guard = Guard()
        try:
            while not self._stop_asked.is_set():
                if not guard.is_alive:
                    guard = self._guard_replace(guard)
                for child in self._children:
                    self._look_after(child, guard)
                self._all_started.set()
                self._stop_asked.wait(LOOK_SECONDS)
        finally:
            self._all_started.set()
            self._stop_all()
            guard.close()

    def _look_after(self, child: Child, guard: Guard) -> None:
        group = child.pid
        if child.has_ended() and group is not None:
            guard.remove(group)
        if child.is_due:
            child.start()
            if child.pid is not None:
                guard.add(child.pid)

    def _guard_replace(self, dead: Guard) -> Guard:
        self.say("the guard against orphans ended; starting another")
        dead.close()
        guard = Guard()
        for pid in self.pids().values():
            guard.add(pid)
        return guard

    def _stop_all(self) -> None:
        """Ask every program to stop, wait for each, and kill what is left of their groups."""
        children = list(reversed(self._children))
        started_at = time.monotonic()
        for child in children:
            child.terminate()
        for child in children:
            deadline = started_at + child.spec.stop_seconds
            while not child.wait(min(deadline, time.monotonic() + LOOK_SECONDS)):
                if self._kill_asked.is_set() or time.monotonic() >= deadline:
                    self._printer.line(child.spec.name, "does not stop; killing it")
                    break
            child.kill()


def _is_under_nohup(number: signal.Signals) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN
