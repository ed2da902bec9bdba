"""Keeps a socket of Angel One alive: one new connection for each attempt, watched and rebuilt.

The library connects again by itself at most twice, and notices neither a dead line nor a silent
one. Here a connection on which nothing comes, not even an answer to a ping, is cut; and one that
answers pings but brings no data while the market trades, too.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.db import close_old_connections, connections

from apps.orders.domain.ports import BrokerError

log = logging.getLogger(__name__)

SILENT_SECONDS = 12.0
STALE_SECONDS = 5.0
LONGEST_STALE_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
MOST_GARBAGE = 20
MOST_WAITING = 20_000
_LOOK_SECONDS = 0.1
_JOIN_SECONDS = 15.0
Message = bytes | str


class Attempt(Protocol):
    """One connection; ``Feed`` and ``OrderUpdates`` are."""

    @property
    def last_error(self) -> Exception | None:
        """What ended it."""
        ...

    def connect(self) -> None:
        """Connect and serve until it ends."""
        ...

    def cut(self) -> None:
        """End it from another thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What a connection tells from its own thread."""

    opened: Callable[[], None]
    received: Callable[[Message], None]
    ponged: Callable[[], None]


class Listener(Protocol):
    """Who a socket is for. Everything is called from one thread, one at a time."""

    def attempt(self, notes: Notes) -> Attempt:
        """Return a new connection, with the tokens of now, that tells these notes.

        Raises:
            BrokerError: There is no session.
        """
        ...

    def opened(self) -> None:
        """Take note that messages come from now on; what was before may have been lost."""
        ...

    def message(self, message: Message) -> bool:
        """Take a message; False: it cannot be read."""
        ...

    def moment(self) -> None:
        """Do what is due; called several times a second."""
        ...

    def refused(self, error: Exception) -> None:
        """Take note that the door was shut; the next attempt needs other tokens."""
        ...

    def expects_data(self) -> bool:
        """Tell whether silence would be a fault: the market trades and something is watched."""
        ...


@dataclass(slots=True)
class SocketState:
    """How a socket fares, for the log and the tests."""

    attempts: int = 0
    cuts: int = 0
    messages: int = 0
    garbage: int = 0
    is_open: bool = False


class SupervisedSocket:
    """One socket, kept alive until it is stopped."""

    def __init__(
        self,
        listener: Listener,
        *,
        name: str,
        silent_seconds: float = SILENT_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            silent_seconds: Without any frame, answers to pings included, it is dead.
            stale_seconds: Without a message while data is expected it is dead; longer after each
                connection that brought none, as a market may be quiet.
        """
        self.state = SocketState()
        self._listener = listener
        self._name = name
        self._silent_seconds = silent_seconds
        self._stale_seconds = stale_seconds
        self._stopped = threading.Event()
        self._inbox: queue.Queue[Message] = queue.Queue(MOST_WAITING)
        self._heard_at = self._data_at = 0.0
        self._overflowed = False
        self._opened = threading.Event()
        self._renews = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """End it; no thread and no socket is left."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def renew(self) -> None:
        """Make a new connection: what is watched has changed."""
        self._renews.set()

    def _run(self) -> None:
        pause_seconds, patience = FIRST_PAUSE_SECONDS, self._stale_seconds
        try:
            while not self._stopped.is_set():
                brought = self._attempted(patience)
                if brought:
                    pause_seconds, patience = FIRST_PAUSE_SECONDS, self._stale_seconds
                else:
                    pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
                    patience = min(patience * 1.5, LONGEST_STALE_SECONDS)
                self._rest(pause_seconds * random.uniform(0.8, 1.2))  # noqa: S311  no secret
        finally:
            connections.close_all()

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopped.wait(_LOOK_SECONDS):
            try:
                self._listener.moment()
            except Exception:
                log.exception("%s: what is due could not be done", self._name)
                return

    def _attempted(self, patience: float) -> int:
        """Hold a connection; one whose messages could not be dealt with is followed by another."""
        try:
            return self._attempt(patience)
        except Exception:
            # Nobody else would notice that this thread has ended: prices and reports would stop
            log.exception("%s broke off", self._name)
            return 0

    def _attempt(self, patience: float) -> int:
        """Hold one connection until it ends; return how many messages it brought."""
        close_old_connections()
        self.state.attempts += 1
        before = self.state.messages
        self._inbox = queue.Queue(MOST_WAITING)
        self._overflowed = False
        self._opened.clear()
        self._renews.clear()
        try:
            attempt = self._listener.attempt(
                Notes(opened=self._opened.set, received=self._received, ponged=self._ponged)
            )
        except BrokerError as error:
            log.warning("%s has no session: %s", self._name, error)
            return 0
        ended = threading.Event()
        reader = threading.Thread(
            target=self._serve, args=(attempt, ended), name=f"{self._name}-read", daemon=True
        )
        self._heard_at = self._data_at = time.monotonic()
        reader.start()
        try:
            self._watch(ended, patience)
        finally:
            attempt.cut()
            reader.join(_JOIN_SECONDS)
            self.state.is_open = False
        if reader.is_alive():
            log.error("%s: a connection does not end", self._name)
        self._tell(attempt.last_error)
        return self.state.messages - before

    def _serve(self, attempt: Attempt, ended: threading.Event) -> None:
        try:
            attempt.connect()
        except OSError as error:
            log.info("%s cannot be reached: %s", self._name, type(error).__name__)
        finally:
            ended.set()

    def _watch(self, ended: threading.Event, patience: float) -> None:
        garbage = 0
        while not ended.is_set() and not self._stopped.is_set():
            # First, as it may ask over REST: what came meanwhile is taken before silence is judged
            self._listener.moment()
            garbage = self._taken_in(garbage)
            if reason := self._dead(patience, garbage):
                self.state.cuts += 1
                log.warning("%s is cut: %s", self._name, reason)
                return

    def _taken_in(self, garbage: int) -> int:
        """Hand on what waits; return how many messages in a row could not be read."""
        try:
            message = self._inbox.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            self._opening_tell()
            return garbage
        self._opening_tell()
        while True:
            if self._listener.message(message):
                self.state.messages += 1
                self._data_at = time.monotonic()
                garbage = 0
            else:
                self.state.garbage += 1
                garbage += 1
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return garbage

    def _opening_tell(self) -> None:
        if self._opened.is_set() and not self.state.is_open:
            self.state.is_open = True
            self._listener.opened()

    def _dead(self, patience: float, garbage: int) -> str:
        moment = time.monotonic()
        faults = {
            "what is watched has changed": self._renews.is_set(),
            "messages came faster than they could be dealt with": self._overflowed,
            f"nothing came for {self._silent_seconds:g} s": moment - self._heard_at
            > self._silent_seconds,
            f"{garbage} messages in a row cannot be read": garbage > MOST_GARBAGE,
        }
        for sentence, is_so in faults.items():
            if is_so:
                return sentence
        if moment - self._data_at <= patience:
            return ""
        if not self._listener.expects_data():
            self._data_at = moment
            return ""
        return f"no data for {patience:g} s while the market trades"

    def _received(self, message: Message) -> None:
        self._heard_at = time.monotonic()
        try:
            self._inbox.put_nowait(message)
        except queue.Full:
            self._overflowed = True

    def _ponged(self) -> None:
        self._heard_at = time.monotonic()

    def _tell(self, error: Exception | None) -> None:
        if error is None:
            return
        status = getattr(error, "status_code", None)
        log.info("%s ended: %s %s", self._name, type(error).__name__, status or "")
        if status in (401, 403):
            self._listener.refused(error)
