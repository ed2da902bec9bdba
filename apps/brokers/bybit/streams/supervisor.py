"""Keeps a stream alive whatever happens to it, and says when the truth has to be read instead."""

import logging
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from django.db import close_old_connections, connections

from apps.brokers.bybit.streams.connection import (
    Message,
    StreamConnection,
    StreamLost,
    StreamPlace,
)

log = logging.getLogger(__name__)

STALE_SECONDS = 6.0
"""A connection on which nothing comes for so long, not even answers to pings, is taken for dead."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0
MOST_CONNECTIONS, CONNECTIONS_SECONDS = 400, 300.0
"""Bybit takes 500 connections in five minutes from one address."""

LOOK_SECONDS = 0.1
MOST_WAITING = 10_000


class StreamListener(Protocol):
    """Who a stream is for. Called from one thread of the stream's, never two at a time."""

    def on_message(self, message: Message) -> None:
        """Take a message of a topic."""
        ...

    def on_gap(self) -> None:
        """Read the truth: messages were or may have been lost, as on every new connection."""
        ...


@dataclass(slots=True)
class StreamState:
    """How a stream fares, for the log and the tests."""

    connections: int = 0
    losses: int = 0
    garbage: int = 0
    messages: int = 0
    is_live: bool = False


class SupervisedStream:
    """One stream: connected, watched, rebuilt; its messages handed on by a thread of its own."""

    def __init__(
        self,
        place: StreamPlace | Callable[[], StreamPlace],
        *,
        topics: Iterable[str],
        listener: StreamListener,
        name: str,
        data_stale_seconds: float | None = None,
    ) -> None:
        """Prepare; ``start`` begins.

        Args:
            place: Where it is, or what tells that before each connection: a key may change.
            data_stale_seconds: A topic of this stream speaks at least so often; None: none does.
        """
        self.state = StreamState()
        self._place = place
        self._listener = listener
        self._name = name
        self._data_stale_seconds = data_stale_seconds
        self._topics = frozenset(topics)
        self._inbox: queue.Queue[Message | None] = queue.Queue(MOST_WAITING)
        self._stopped = threading.Event()
        self._connected_at: deque[float] = deque()
        self._supervisor = threading.Thread(target=self._run, name=f"{name}-watch", daemon=True)
        self._consumer = threading.Thread(target=self._consume, name=f"{name}-read", daemon=True)
        self._has_gap = threading.Event()

    def start(self) -> None:
        """Begin to connect."""
        self._consumer.start()
        self._supervisor.start()

    def stop(self) -> None:
        """End it; no thread or socket is left."""
        self._stopped.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        self._wake_consumer()
        if self._consumer.is_alive():
            self._consumer.join()

    def topics_set(self, topics: Iterable[str]) -> None:
        """Follow these topics from now on; the supervisor asks for what is new."""
        self._topics = frozenset(topics)

    def _run(self) -> None:
        try:
            self._keep_alive()
        finally:
            connections.close_all()

    def _keep_alive(self) -> None:
        pause_seconds = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            self._turn_await()
            began = time.monotonic()
            try:
                self._live()
            except StreamLost as lost:
                log.warning("stream %s: %s", self._name, lost)
            except Exception:
                log.exception("stream %s broke off", self._name)
            was_live, self.state.is_live = self.state.is_live, False
            self.state.losses += 1
            # One that worked is tried again at once; one that does not work, ever more rarely
            took = time.monotonic() - began
            pause_seconds = FIRST_PAUSE_SECONDS if was_live and took > 1 else pause_seconds * 2
            pause_seconds = min(pause_seconds, LONGEST_PAUSE_SECONDS)
            self._stopped.wait(pause_seconds * random.uniform(0.8, 1.2))  # noqa: S311  no secret

    def _turn_await(self) -> None:
        """Keep to the number of connections that the venue takes."""
        now = time.monotonic()
        while self._connected_at and self._connected_at[0] < now - CONNECTIONS_SECONDS:
            self._connected_at.popleft()
        if len(self._connected_at) >= MOST_CONNECTIONS:
            self._stopped.wait(self._connected_at[0] + CONNECTIONS_SECONDS - now)
        self._connected_at.append(time.monotonic())

    def _live(self) -> None:
        """Hold one connection until it ends or goes stale.

        Raises:
            StreamLost: It could not be made, or it ended.
        """
        close_old_connections()  # the keys are in a database, which may have been away
        place = self._place() if callable(self._place) else self._place
        connection = StreamConnection(place, on_message=self._put, on_garbage=self._on_garbage)
        try:
            topics = self._topics
            connection.subscribe(topics)
            self.state.connections += 1
            self.state.is_live = True
            self._gap_note()
            while not self._stopped.wait(LOOK_SECONDS):
                _up_require(connection, self._data_stale_seconds if topics else None)
                topics = self._follow(connection, topics)
        finally:
            connection.close()

    def _follow(self, connection: StreamConnection, topics: frozenset[str]) -> frozenset[str]:
        wanted = self._topics
        if wanted == topics:
            return topics
        connection.unsubscribe(topics - wanted - connection.refused)
        connection.subscribe(wanted - topics)
        connection.data_at = time.monotonic()
        self._gap_note()
        return wanted

    def _put(self, message: Message) -> None:
        """Take a message off the connection's thread; a full inbox is a gap, never a wait."""
        self.state.messages += 1
        try:
            self._inbox.put_nowait(message)
        except queue.Full:
            self._gap_note()

    def _on_garbage(self) -> None:
        self.state.garbage += 1
        self._gap_note()

    def _gap_note(self) -> None:
        self._has_gap.set()
        self._wake_consumer()

    def _wake_consumer(self) -> None:
        try:
            self._inbox.put_nowait(None)
        except queue.Full:
            return  # it is awake

    def _consume(self) -> None:
        while not (self._stopped.is_set() and self._inbox.empty()):
            message = self._inbox.get()
            if self._has_gap.is_set():
                self._has_gap.clear()
                self._hand_on(self._listener.on_gap)
            if message is not None:
                self._hand_on(self._listener.on_message, message)

    def _hand_on(self, take: Callable[..., None], *messages: Message) -> None:
        try:
            take(*messages)
        except Exception:
            log.exception("stream %s: a message could not be dealt with", self._name)


def _up_require(connection: StreamConnection, data_stale_seconds: float | None) -> None:
    now = time.monotonic()
    if not connection.is_up:
        raise StreamLost(f"the connection ended ({connection.end_reason or 'no reason given'})")
    if now - connection.heard_at > STALE_SECONDS:
        raise StreamLost(f"nothing was heard for {STALE_SECONDS:g} s")
    if data_stale_seconds is not None and now - connection.data_at > data_stale_seconds:
        raise StreamLost(f"no data came for {data_stale_seconds:g} s")
