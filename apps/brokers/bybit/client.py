"""pybit's HTTP client with what a desk needs of it: no blind resends, bounded answers, no secrets.

What pybit would do by itself and must not: send a POST again on some codes, sleep until a moment
that has passed, show its secret in ``repr`` and the request in its exceptions.
"""

import io
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from apps.brokers.bybit.codes import CodeRefused, status_error
from apps.brokers.bybit.wire import Body, shown
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Unavailable,
)

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 10.0, 20.0
RECEIVE_WINDOW_MS = 5000
"""How old a request may be when it arrives; Bybit's own default."""

LARGEST_ANSWER = 16 << 20  # bytes
_POOL = 2
_CHUNK = 1 << 16
_NO_CODE = -999_999  # pybit takes an empty set for its own list of codes to send again
_HTTP_OK = 200

_TROUBLE = (
    requests.RequestException,
    HTTPError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)
"""What comes out of pybit, requests and urllib3 when the wire or the answer is broken."""


@dataclass(frozen=True, slots=True)
class Keys:
    """An account's key at Bybit; it never shows itself."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


class _TooLong(requests.RequestException):
    """An answer has no end, in bytes or in seconds."""


class _BoundedAdapter(HTTPAdapter):
    """Reads an answer whole, up to a size and for a time: no venue can hold a worker for ever."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Send, and put what came back where ``requests`` reads it from."""
        deadline = time.monotonic() + WHOLE_SECONDS
        response = super().send(request, *args, **{**options, "stream": True})
        raw = response.raw
        body = io.BytesIO()
        while chunk := raw.read1(_CHUNK, decode_content=True):
            body.write(chunk)
            if body.tell() > LARGEST_ANSWER or time.monotonic() > deadline:
                raw.close()
                raise _TooLong(f"more than {LARGEST_ANSWER} bytes or {WHOLE_SECONDS:g} s")
        if raw.length_remaining:
            raw.close()
            raise requests.ConnectionError("the answer ended before its announced length")
        raw.release_conn()
        body.seek(0)
        response.raw = body
        return response


class _DeskHTTP(HTTP):  # type: ignore[misc]  # pybit has no types
    """pybit's client that keeps its secret to itself."""

    def __repr__(self) -> str:
        return f"<Bybit HTTP client of {self.endpoint}>"


def http_client(*, url: str, keys: Keys | None) -> Any:
    """Return a client of one thread; without keys it reads public data only."""
    client = _DeskHTTP(
        api_key=keys.api_key if keys else None,
        api_secret=keys.api_secret if keys else None,
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        recv_window=RECEIVE_WINDOW_MS,
        max_retries=1,
        retry_codes={_NO_CODE},
        force_retry=False,
        log_requests=False,
    )
    client.endpoint = url
    adapter = _BoundedAdapter(pool_connections=_POOL, pool_maxsize=_POOL, max_retries=0)
    client.client.mount("https://", adapter)
    client.client.mount("http://", adapter)
    return client


class Clients(threading.local):
    """One client for each thread and set of keys."""

    def __init__(self) -> None:
        self.by_place: dict[tuple[str, str], Any] = {}

    def of(self, *, url: str, keys: Keys | None) -> Any:
        """Return this thread's client, made when it is first asked for."""
        place = (url, keys.api_key if keys else "")
        client = self.by_place.get(place)
        if client is None or (keys and client.api_secret != keys.api_secret):
            self.drop(place)
            client = self.by_place[place] = http_client(url=url, keys=keys)
        return client

    def drop(self, place: tuple[str, str]) -> None:
        """Close and forget a client."""
        if (client := self.by_place.pop(place, None)) is not None:
            client.client.close()


CLIENTS = Clients()


def _forget_inherited() -> None:
    # Parent and child would talk over each other on one socket
    CLIENTS.by_place.clear()


os.register_at_fork(after_in_child=_forget_inherited)


def answer_of(call: Callable[..., Any], params: Mapping[str, Any], *, writes: bool) -> Body:
    """Make one request, once, and return the whole answer of a success.

    Args:
        call: A method of pybit's client.
        writes: Whether the request could change something at the venue.

    Raises:
        CodeRefused: Bybit answered with a return code.
        BrokerError: One of the five meanings. Neither carries the request or what pybit raised.
    """
    failure: Exception
    try:
        return _success(call(**params))
    except InvalidRequestError as error:
        failure = _code_refused(error, writes=writes)
    except FailedRequestError as error:
        failure = _request_failed(error, writes=writes)
    except PermissionError:
        failure = AuthenticationFailed("the account has no key for Bybit; store one first")
    except _TROUBLE as error:
        failure = _trouble_error(error, writes=writes)
    raise failure  # outside the handlers: what pybit raised holds the request


def _success(answer: object) -> Body:
    code = answer.get("retCode") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or isinstance(code, bool) or code != 0:
        raise ValueError(f"no answer of Bybit's: {shown(code)}")
    return answer


def _code_refused(error: Any, *, writes: bool) -> Exception:
    code, words = error.status_code, error.message
    if isinstance(code, str) and code.lstrip("-").isascii() and code.lstrip("-").isdigit():
        code = int(code[:12])
    if isinstance(code, bool) or not isinstance(code, int):
        return _unreadable(f"retCode is {shown(code)}", writes=writes)
    plain = "".join(sign for sign in str(words) if sign.isprintable())
    return CodeRefused(code, plain, pause_seconds=_pause(error.resp_headers))


def _pause(headers: Mapping[str, str] | None) -> float | None:
    """Return until when Bybit wants quiet, within reason; one that has passed is a moment."""
    try:
        until_ms = int((headers or {}).get("X-Bapi-Limit-Reset-Timestamp", ""))
    except ValueError:
        return None
    return min(max(until_ms / 1000 - time.time(), 0.05), 60.0)


def _request_failed(error: Any, *, writes: bool) -> BrokerError:
    status = error.status_code
    if error.resp_headers is None or status == _HTTP_OK or not isinstance(status, int):
        return _unreadable("it is no JSON", writes=writes)
    return status_error(status, writes=writes)


def _unreadable(why: str, *, writes: bool) -> BrokerError:
    sentence = f"Bybit's answer cannot be read: {why}"
    return OutcomeUnknown(sentence) if writes else Unavailable(sentence)


def _trouble_error(error: Exception, *, writes: bool) -> BrokerError:
    name = type(error).__name__
    if _certainly_not_sent(error):
        return Unavailable(f"Bybit does not take connections ({name}): nothing was sent")
    if not writes:
        return Unavailable(f"Bybit gave no answer that can be read ({name})")
    return OutcomeUnknown(f"the request went out and no answer that can be read came back ({name})")


def _certainly_not_sent(error: Exception) -> bool:
    """Tell whether no connection was ever made."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    if not isinstance(error, requests.ConnectionError) or not isinstance(cause, MaxRetryError):
        return False
    causes = cause.reason.args if cause.reason else ()
    refused_certificate = any(isinstance(arg, ssl.SSLCertVerificationError) for arg in causes)
    return isinstance(cause.reason, NewConnectionError) or refused_certificate
