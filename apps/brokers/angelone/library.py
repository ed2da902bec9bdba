"""Imports Angel One's client library, with the cures for what it does beside its work.

As it comes it asks a third party for the public IP while it is imported, opens a log file in the
current folder and writes PIN, one-time password and token into it, verifies no certificate of its
sockets, switches off warnings of the HTTP library for the whole process and opens a connection for
each request. Nothing else of the desk imports it.
"""

import json
import logging
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import logzero
import requests
import websocket
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from apps.brokers.angelone.answers import answer_read
from apps.brokers.angelone.hiding import Hidden, HiddenText
from apps.orders.domain.ports import BrokerError, OutcomeUnknown, Unavailable


@contextmanager
def _no_question_to_third_parties() -> Iterator[None]:
    """Let the library's look-up of the public IP fail at once; it has a fallback of its own."""

    def refuse(*_: object, **__: object) -> None:
        raise requests.exceptions.ConnectionError("the desk tells its address by a setting")

    asks = requests.get
    vars(requests)["get"] = refuse
    logzero.loglevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        vars(requests)["get"] = asks


with _no_question_to_third_parties():
    import SmartApi.smartConnect
    import SmartApi.smartWebSocketOrderUpdate
    import SmartApi.smartWebSocketV2

_SILENT = logging.getLogger("apps.brokers.angelone.silent")
_SILENT.addHandler(logging.NullHandler())
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False
_SILENT.disabled = True
for _module in (
    SmartApi.smartConnect,
    SmartApi.smartWebSocketOrderUpdate,
    SmartApi.smartWebSocketV2,
):
    _module.logger = _SILENT  # its own writes PIN, one-time password and token
SmartApi.smartConnect.log = _SILENT
logging.getLogger("websocket").setLevel(logging.CRITICAL)  # the desk tells each end itself

WRITES = frozenset(
    {
        "api.order.place",
        "api.order.placefullresponse",
        "api.order.modify",
        "api.order.cancel",
        "api.gtt.create",
        "api.gtt.modify",
        "api.gtt.cancel",
        "api.convert.position",
    }
)
"""Routes after which something may have changed."""

_sessions = threading.local()


def _http_session() -> requests.Session:
    """Return this thread's session: it keeps its connections, no cookie and no redirect.

    Proxies and passwords of the machine's environment are left out: orders must come from the
    registered address, and a stray .netrc would replace the token.
    """
    session: requests.Session | None = getattr(_sessions, "session", None)
    if session is None:
        session = requests.Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=4, max_retries=0))
        _sessions.session = session
    return session


def mac_address() -> str:
    """Return this machine's hardware address as the broker's headers want it."""
    digits = f"{uuid.getnode():012x}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def local_address(host: str) -> str:
    """Return the address that this machine uses towards a host; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class Connection(SmartApi.smartConnect.SmartConnect):
    """The library's REST client: answers checked, failures by their meaning, secrets kept.

    Every method of the library that asks one of its routes can be used; what it returns is the
    answer's envelope, which has been checked to be a success.
    """

    def __init__(
        self,
        *,
        api_key: str,
        root: str,
        timeout_seconds: float,
        public_ip: str,
        access_token: str | None = None,
        before_request: Callable[[str], None] | None = None,
        ca_file: str | None = None,
    ) -> None:
        """Take over what the library's own constructor sets, without what it does.

        Args:
            root: Origin of the REST interface, without a path.
            timeout_seconds: For connecting, and for each wait for bytes.
            public_ip: The registered static address; empty: the local one is told.
            before_request: Called with the route's name; takes the permit of the rate limits.
            ca_file: Certificates to trust instead of the usual ones.
        """
        self.api_key = self.privateKey = api_key
        self.root = root
        self._rootUrl = root
        self.timeout = timeout_seconds
        self.access_token = access_token
        self.refresh_token = self.feed_token = self.userId = None
        self.session_expiry_hook = None
        self.debug = self.disable_ssl = False
        self.proxies: dict[str, str] = {}
        self.clientLocalIp = local_address(urlsplit(root).hostname or "")
        self.clientPublicIp = public_ip or self.clientLocalIp
        self.clientMacAddress = mac_address()
        self._before_request = before_request
        self._verify = ca_file or True

    def __repr__(self) -> str:
        return f"Connection({self.root})"

    def _request(
        self, route: str, method: str, parameters: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask a route; what the library does here writes secrets into its log."""
        if self._before_request is not None:
            self._before_request(route)
        body = HiddenText(json.dumps(dict(parameters or {})))
        is_get = method in ("GET", "DELETE")
        return self._exchange(
            route,
            method,
            urljoin(self.root, self._routes[route]),
            query=body if is_get else None,
            body=None if is_get else body,
        )

    def individual_order_details(self, qParam: str) -> dict[str, Any]:  # noqa: N803  its own name
        """Ask for one order by its unique id; the library's own swallows every failure."""
        route = "api.individual.order.details"
        if self._before_request is not None:
            self._before_request(route)
        return self._exchange(route, "GET", urljoin(self.root, self._routes[route] + qParam))

    def _exchange(
        self,
        route: str,
        method: str,
        url: str,
        *,
        query: str | None = None,
        body: str | None = None,
    ) -> dict[str, Any]:
        headers = Hidden(self.requestHeaders())
        if self.access_token:
            headers["Authorization"] = f"Bearer {self.access_token}"
        failure: BrokerError
        try:
            answer = _http_session().request(
                method,
                url,
                params=query,
                data=body,
                headers=headers,
                timeout=(self.timeout, self.timeout),
                verify=self._verify,
                allow_redirects=False,
            )
            return answer_read(
                answer.status_code,
                answer.content,
                is_write=route in WRITES,
                route=route,
                hides=self._secrets(body),
            )
        except requests.RequestException as error:
            failure = connection_failure(error, what=route.removeprefix("api."))
        except BrokerError as error:
            failure = error
        except (ValueError, UnicodeError) as error:  # a setting that no header can carry
            failure = Unavailable(f"the request cannot be written: {type(error).__name__}")
        # Outside and bare: the frames of the libraries and of the reading hold headers and tokens
        failure.__cause__ = failure.__context__ = None
        raise failure.with_traceback(None)

    def _secrets(self, body: str | None) -> list[str]:
        sent = json.loads(body) if body else {}
        named = [sent.get(name) for name in ("password", "totp", "refreshToken", "clientcode")]
        known = [self.api_key, self.access_token, self.refresh_token, self.feed_token, *named]
        return [word for word in known if isinstance(word, str) and word]


def connection_failure(error: requests.RequestException, *, what: str) -> BrokerError:
    """Return what a failed exchange means: never sent for certain, or nobody knows."""
    kind = type(error).__name__
    if _was_never_sent(error):
        return Unavailable(f"Angel One cannot be reached ({kind}); {what} was not sent")
    return OutcomeUnknown(f"the connection to Angel One broke during {what} ({kind})")


def _was_never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(error)
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketAccess:
    """What opens the two sockets. No representation shows it.

    Attributes:
        url: ws:// or wss://
        timeout_seconds: For connecting, for the handshakes, and within a frame.
        ca_file: Certificates to trust instead of the usual ones.
    """

    url: str
    access_token: str
    api_key: str
    client_code: str
    feed_token: str
    timeout_seconds: float = 5.0
    ping_seconds: float = 5.0
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"SocketAccess({self.url})"


def socket_open(access: SocketAccess) -> socket.socket:
    """Connect, and for wss verify the certificate and the host name.

    Raises:
        OSError: It cannot be reached, or is not who it should be.
    """
    parts = urlsplit(access.url)
    host = parts.hostname or ""
    is_tls = parts.scheme == "wss"
    plain = socket.create_connection(
        (host, parts.port or (443 if is_tls else 80)), timeout=access.timeout_seconds
    )
    if not is_tls:
        return plain
    context = ssl.create_default_context(cafile=access.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


class _OneConnection:
    """One attempt of a socket: it ends when the connection ends, and never connects again."""

    def __init__(self, access: SocketAccess) -> None:
        self._access = access
        self._raw: socket.socket | None = None
        self._is_ended = threading.Event()
        self.last_error: Exception | None = None

    def run(self, app: websocket.WebSocketApp, raw: socket.socket) -> None:
        """Serve a connection until it ends; nothing stays open."""
        self._raw = raw
        try:
            if self._is_ended.is_set():
                return
            app.prepared_socket = raw
            app.run_forever(
                ping_interval=self._access.ping_seconds,
                ping_timeout=self._access.ping_seconds * 0.8,
            )
        finally:
            self._is_ended.set()
            raw.close()

    def cut(self) -> None:
        """End the connection from another thread, at once and without a farewell."""
        self._is_ended.set()
        raw = self._raw
        if raw is None:
            return
        try:
            raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended by itself


class Feed(SmartApi.smartWebSocketV2.SmartWebSocketV2):
    """The library's market feed for one connection; the desk reads the packets from raw bytes."""

    def __init__(
        self,
        access: SocketAccess,
        *,
        opened: Callable[["Feed"], None],
        received: Callable[[bytes | str], None],
        ponged: Callable[[], None],
    ) -> None:
        """Take what opens the socket and whom to tell.

        Args:
            opened: Called once the connection stands; subscribes.
            received: Called with each binary packet, and with each text.
            ponged: Called with each answer to a ping.
        """
        self.auth_token = f"Bearer {access.access_token}"
        self.api_key = access.api_key
        self.client_code = access.client_code
        self.feed_token = access.feed_token
        self.input_request_dict: dict[int, dict[int, list[str]]] = {}
        self._opened, self._received, self._ponged = opened, received, ponged
        self._access = access
        self._connection = _OneConnection(access)

    @property
    def last_error(self) -> Exception | None:
        """What ended the connection; None: nothing did yet, or it was cut."""
        return self._connection.last_error

    def connect(self) -> None:
        """Connect once and serve until the connection ends.

        Raises:
            OSError: It cannot be reached, or is not who it should be.
        """
        raw = socket_open(self._access)
        self.wsapp = websocket.WebSocketApp(
            self._access.url,
            header=_handshake_headers(self._access, self.auth_token),
            on_open=self._on_open,
            on_error=self._on_error,
            on_data=self._on_data,
            on_pong=self._on_pong,
        )
        self._connection.run(self.wsapp, raw)

    def cut(self) -> None:
        """End the connection from another thread."""
        self._connection.cut()

    def _on_open(self, wsapp: Any) -> None:
        self._opened(self)

    def _on_data(self, wsapp: Any, content: Any, kind: int, is_last: bool) -> None:
        self._received(content)

    def _on_pong(self, wsapp: Any, content: Any) -> None:
        self._ponged()

    def _on_error(self, wsapp: Any, error: Exception) -> None:
        self._connection.last_error = self._connection.last_error or error


class OrderUpdates(SmartApi.smartWebSocketOrderUpdate.SmartWebSocketOrderUpdate):
    """The library's order updates for one connection."""

    def __init__(
        self,
        access: SocketAccess,
        *,
        opened: Callable[[], None],
        received: Callable[[bytes | str], None],
        ponged: Callable[[], None],
    ) -> None:
        """Take what opens the socket and whom to tell, as ``Feed`` does."""
        self.auth_token = f"Bearer {access.access_token}"
        self.api_key = access.api_key
        self.client_code = access.client_code
        self.feed_token = access.feed_token
        self._opened, self._received, self._ponged = opened, received, ponged
        self._access = access
        self._connection = _OneConnection(access)

    @property
    def last_error(self) -> Exception | None:
        """What ended the connection; None: nothing did yet, or it was cut."""
        return self._connection.last_error

    def connect(self) -> None:
        """Connect once and serve until the connection ends.

        Raises:
            OSError: It cannot be reached, or is not who it should be.
        """
        raw = socket_open(self._access)
        self.wsapp = websocket.WebSocketApp(
            self._access.url,
            header=_handshake_headers(self._access, self.auth_token),
            on_open=self.on_open,
            on_error=self.on_error,
            on_data=self.on_data,
            on_pong=self.on_pong,
        )
        self._connection.run(self.wsapp, raw)

    def cut(self) -> None:
        """End the connection from another thread."""
        self._connection.cut()

    def on_open(self, wsapp: Any) -> None:
        """Tell that it stands."""
        self._opened()

    def on_data(self, wsapp: Any, message: Any, data_type: int, continue_flag: bool) -> None:
        """Hand on a frame; the library's own writes each order into its log."""
        self._received(message)

    def on_pong(self, wsapp: Any, data: Any) -> None:
        """Tell of the pong; the library's own hands it on as a message."""
        self._ponged()

    def on_error(self, wsapp: Any, error: Exception) -> None:
        """Keep the first error; the library's own connects again."""
        self._connection.last_error = self._connection.last_error or error


def _handshake_headers(access: SocketAccess, authorization: str) -> dict[str, str]:
    return {
        "Authorization": authorization,
        "x-api-key": access.api_key,
        "x-client-code": access.client_code,
        "x-feed-token": access.feed_token,
    }
