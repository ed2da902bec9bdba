"""One keep-alive connection to the venue for each thread, and what its failures mean."""

import os
import select
import threading
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from apps.orders.domain.ports import OutcomeUnknown, Unavailable

LARGEST_ANSWER = 8 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, unread."""

    status: int
    retry_after: str
    payload: bytes


class _Connections(threading.local):
    def __init__(self) -> None:
        self.by_url: dict[tuple[str, float], HTTPConnection] = {}


_connections = _Connections()


def _forget_inherited() -> None:
    # Parent and child would talk over each other on one socket
    _connections.by_url.clear()


os.register_at_fork(after_in_child=_forget_inherited)


def exchange(
    *,
    base_url: str,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    timeout_seconds: float,
) -> Reply:
    """Send one request over this thread's connection and read the answer.

    Nothing is ever sent a second time: whether the first arrived is not known.

    Raises:
        Unavailable: No connection could be made, so nothing was sent.
        OutcomeUnknown: It was sent, in part at least, and no whole answer came.
    """
    connection = _connected(base_url, timeout_seconds)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        payload = response.read(LARGEST_ANSWER)
        is_whole = response.isclosed()
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        raise OutcomeUnknown(
            f"{method} {path} was sent to {base_url} and no whole answer came: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not is_whole:
        connection.close()
        raise OutcomeUnknown(
            f"{method} {path} at {base_url} was answered with fewer bytes than announced, or "
            f"with more than {LARGEST_ANSWER}"
        )
    return Reply(response.status, response.headers.get("Retry-After", ""), payload)


def _connected(base_url: str, timeout_seconds: float) -> HTTPConnection:
    key = (base_url, timeout_seconds)
    connection = _connections.by_url.get(key)
    if connection is None:
        connection = HTTPConnection(urlsplit(base_url).netloc, timeout=timeout_seconds)
        _connections.by_url[key] = connection
    if connection.sock is not None and _has_ended(connection):
        connection.close()
    if connection.sock is None:
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise Unavailable(f"{base_url} does not take connections: {error}") from error
    return connection


def _has_ended(connection: HTTPConnection) -> bool:
    """Tell whether an idle connection was closed by the venue, or says what nobody asked for."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
