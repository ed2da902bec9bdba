"""Runs one piece of work as soon as it is asked for, and once for all who ask meanwhile."""

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections

log = logging.getLogger(__name__)


class NotYet(Exception):
    """Work cannot be done now; the sentence says why. It is done again in a while."""


class Trigger:
    """A thread that works when asked; what goes wrong is logged, and asked for again later."""

    def __init__(
        self,
        work: Callable[[], None],
        *,
        name: str,
        pause_seconds: float = 0.1,
        retry_seconds: float = 2.0,
    ) -> None:
        """Prepare.

        Args:
            pause_seconds: At least so much lies between two runs.
            retry_seconds: When work that failed is done again by itself.
        """
        self._work = work
        self._pause_seconds, self._retry_seconds = pause_seconds, retry_seconds
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask(self) -> None:
        """Have the work done soon; never blocks."""
        self._asked.set()

    def stop(self) -> None:
        """End the thread after the run that is under way."""
        self._stopped.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._asked.wait()
                self._asked.clear()
                if not self._stopped.is_set():
                    self._stopped.wait(self._worked())
        finally:
            connections.close_all()

    def _worked(self) -> float:
        """Do the work once; return for how many seconds to pause."""
        pause_seconds = self._pause_seconds
        close_old_connections()  # a database that was away comes back on a new one
        try:
            self._work()
        except NotYet as reason:
            log.warning("%s waits: %s", self._thread.name, reason)
            self._asked.set()
            pause_seconds = self._retry_seconds
        except Exception:
            log.exception("%s failed; it is done again", self._thread.name)
            self._asked.set()
            pause_seconds = self._retry_seconds
        return pause_seconds
