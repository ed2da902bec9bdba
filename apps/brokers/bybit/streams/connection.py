"""One connection to a stream through pybit, without what makes pybit's streams die silently.

pybit connects, signs in and keeps the connection alive. It does not parse, dispatch, subscribe or
reconnect here: each of these ends its thread on the first frame that it does not expect, answers
its own question before it has noted it, or reconnects without a pause until it gives up.
"""

import json
import logging
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import websocket
from pybit.unified_trading import WebSocket

from apps.brokers.bybit.client import Keys

log = logging.getLogger(__name__)

PING_SECONDS, PONG_SECONDS = 3.0, 2.0
"""How often the venue is asked whether it is there, and how long it may take to answer."""

CONNECT_SECONDS = 8.0
AUTH_SECONDS = 10
ACK_SECONDS = 5.0
JOIN_SECONDS = 5.0
LARGEST_FRAME = 4 << 20  # characters
TOPICS_PER_REQUEST = 10
_ANY_HOST = re.compile(r"^wss?://[^/]+")
_ATTEMPTS = 2  # pybit counts one more than it makes

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """Where a stream is.

    Attributes:
        base_url: Scheme and host, such as ``wss://stream.bybit.com``.
        channel: ``private``, ``linear`` or ``spot``.
        keys: For the private channel.
    """

    base_url: str
    channel: str
    keys: Keys | None = None


class StreamLost(Exception):
    """A connection could not be made, or is no good."""


class _PybitSocket(WebSocket):  # type: ignore[misc]  # pybit has no types
    """pybit's socket that hands every text on and reconnects to nothing."""

    def __init__(
        self, place: StreamPlace, *, on_text: Callable[[str], None], on_end: Callable[[str], None]
    ) -> None:
        self._base_url = place.base_url
        self._hand_on, self._tell_end = on_text, on_end
        keys = place.keys
        super().__init__(
            place.channel,
            testnet=False,
            api_key=keys.api_key if keys else None,
            api_secret=keys.api_secret if keys else None,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            retries=_ATTEMPTS,
            restart_on_error=False,
            private_auth_expire=AUTH_SECONDS,
            trace_logging=False,
        )

    def __repr__(self) -> str:
        return f"<Bybit stream at {self._base_url}>"

    def _connect(self, url: str) -> None:
        plain = url.format(SUBDOMAIN="x", DOMAIN="y", TLD="z")
        super()._connect(_ANY_HOST.sub(self._base_url, plain))

    def _on_message(self, message: object) -> None:
        self._hand_on(message if isinstance(message, str) else "")

    def _on_error(self, error: object) -> None:
        self.exited = True
        self._tell_end(type(error).__name__)

    def _on_close(self) -> None:
        self.exited = True
        self._tell_end("closed")

    def cut(self) -> None:
        """End the connection at once and wait until its thread has gone.

        pybit's own way waits for the venue to say good-bye.
        """
        self.exited = True
        self._stop_custom_ping_timer()
        app = getattr(self, "ws", None)
        if app is None:
            return
        app.keep_running = False
        raw = getattr(app.sock, "sock", None)
        if raw is not None:
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        if self.wst is not threading.current_thread():
            self.wst.join(JOIN_SECONDS)


class StreamConnection:
    """A connection that is open, signed in and subscribed; it never raises from its own threads.

    Attributes:
        heard_at, data_at: When the last text, and the last message of a topic, came (monotonic).
        refused: Topics that the venue does not give.
    """

    def __init__(
        self,
        place: StreamPlace,
        *,
        on_message: Callable[[Message], None],
        on_garbage: Callable[[], None],
    ) -> None:
        """Connect and sign in.

        Raises:
            StreamLost: It does not work; nothing is left open.
        """
        self.heard_at = self.data_at = time.monotonic()
        self.refused: set[str] = set()
        self.end_reason = ""
        self._ended = threading.Event()
        self._on_message, self._on_garbage = on_message, on_garbage
        self._asked: dict[str, Sequence[str]] = {}
        self._lock = threading.Lock()
        self._answered = threading.Condition(self._lock)
        self._is_signed_in: bool | None = None
        self._place = place
        self._socket = self._opened(place)
        if place.keys is not None:
            self._sign_in_await()

    @property
    def is_up(self) -> bool:
        """Whether nothing says that it has ended."""
        return not self._ended.is_set() and self._socket.is_connected()

    def subscribe(self, topics: Iterable[str]) -> None:
        """Ask for topics and wait until the venue has answered about each.

        Raises:
            StreamLost: It did not answer.
        """
        self._ask("subscribe", topics)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Give topics back.

        Raises:
            StreamLost: The venue did not answer.
        """
        self._ask("unsubscribe", topics)

    def close(self) -> None:
        """End it; no thread or socket of it is left."""
        self._ended.set()
        self._socket.cut()

    def _opened(self, place: StreamPlace) -> _PybitSocket:
        # Bounds the connecting and half a frame; what is awaited between frames is not bounded
        websocket.setdefaulttimeout(CONNECT_SECONDS)
        connected: _PybitSocket | None = None
        try:
            connected = _PybitSocket(place, on_text=self._take, on_end=self._end)
        except (websocket.WebSocketException, OSError, ValueError) as error:
            reason = type(error).__name__
        if connected is None:
            raise StreamLost(f"no connection to {place.channel} ({self.end_reason or reason})")
        return connected

    def _sign_in_await(self) -> None:
        with self._answered:
            self._answered.wait_for(
                lambda: self._is_signed_in is not None or self._ended.is_set(), ACK_SECONDS
            )
            is_signed_in = self._is_signed_in
        if not is_signed_in:
            self.close()
            said = "refused the key" if is_signed_in is False else "did not answer the sign-in"
            raise StreamLost(f"Bybit {said} on its private stream")

    def _ask(self, operation: str, topics: Iterable[str]) -> None:
        chosen = sorted(topics)
        for first in range(0, len(chosen), TOPICS_PER_REQUEST):
            part = chosen[first : first + TOPICS_PER_REQUEST]
            request_id = uuid.uuid4().hex
            with self._lock:
                self._asked[request_id] = part  # before it is sent: the answer may be instant
            self._send({"op": operation, "req_id": request_id, "args": part})
            with self._answered:
                is_answered = self._answered.wait_for(
                    lambda wanted=request_id: wanted not in self._asked or self._ended.is_set(),  # type: ignore[misc]  # a default binds the id
                    ACK_SECONDS,
                )
            if not is_answered or self._ended.is_set():
                raise StreamLost(f"no answer to {operation} of {len(part)} topics")

    def _send(self, message: Message) -> None:
        try:
            self._socket.ws.send(json.dumps(message))
        except (websocket.WebSocketException, OSError) as error:
            raise StreamLost(f"cannot send ({type(error).__name__})") from None

    def _take(self, text: str) -> None:
        """Look at one frame; whatever it holds, this returns."""
        message = _message_read(text)
        if message is None:
            self._on_garbage()
            return
        self.heard_at = time.monotonic()
        if isinstance(message.get("topic"), str):
            self.data_at = self.heard_at
            self._on_message(message)
        elif message.get("op") == "auth":
            self._note(signed_in=message.get("success") is True)
        elif message.get("op") in ("subscribe", "unsubscribe"):
            self._acknowledge(message)

    def _acknowledge(self, message: Message) -> None:
        with self._answered:
            topics = self._asked.pop(str(message.get("req_id")), ())
            if message.get("success") is not True:
                self.refused.update(topics)
                said = str(message.get("ret_msg"))[:120]
                log.warning("Bybit refuses topics %s: %s", ", ".join(topics), said)
            self._answered.notify_all()

    def _note(self, *, signed_in: bool) -> None:
        with self._answered:
            self._is_signed_in = signed_in
            self._answered.notify_all()

    def _end(self, reason: str) -> None:
        self.end_reason = self.end_reason or reason
        self._ended.set()
        with self._answered:
            self._answered.notify_all()


def _message_read(text: str) -> Message | None:
    if not text or len(text) > LARGEST_FRAME:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
