"""Angel One's library is imported and constructed without what it does beside its work."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import requests

from apps.brokers.angelone.library import Connection, Feed, OrderUpdates, SocketAccess

PROBE = """
import socket, sys
def refuse(*arguments, **named):
    raise SystemExit("something was looked up while importing: %r" % (arguments,))
socket.getaddrinfo = socket.create_connection = socket.gethostbyname = refuse
import requests
asks = requests.get
from apps.brokers.angelone import library
assert requests.get is asks
library.Connection(api_key="K", root="http://127.0.0.1:9", timeout_seconds=1, public_ip="")
print("done")
"""


def access(url: str = "ws://127.0.0.1:9/smart-stream") -> SocketAccess:
    return SocketAccess(
        url=url, access_token="JWT-secret", api_key="KEY-secret", client_code="C", feed_token="F"
    )


def a_connection() -> Connection:
    return Connection(
        api_key="KEY-secret", root="http://127.0.0.1:9", timeout_seconds=1, public_ip="203.0.113.7"
    )


def test_import_looks_nothing_up_and_leaves_no_file(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stdout == "done\n", ran.stderr
    assert ran.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_construction_makes_no_folder_and_opens_no_log(tmp_path: Path) -> None:
    before, here = list(logging.getLogger("logzero_default").handlers), Path.cwd()
    os.chdir(tmp_path)
    try:
        a_connection()
        Feed(access(), opened=lambda _: None, received=lambda _: None, ponged=lambda: None)
        OrderUpdates(access(), opened=lambda: None, received=lambda _: None, ponged=lambda: None)
    finally:
        os.chdir(here)
    assert list(tmp_path.iterdir()) == []
    assert logging.getLogger("logzero_default").handlers == before


def test_headers_tell_the_registered_address_and_this_machine() -> None:
    headers = a_connection().requestHeaders()
    assert headers["X-ClientPublicIP"] == "203.0.113.7"
    assert headers["X-ClientLocalIP"] == "127.0.0.1"
    assert len(headers["X-MACAddress"].split(":")) == 6
    assert headers["X-PrivateKey"] == "KEY-secret"


def test_warnings_of_unverified_connections_stay_on() -> None:
    a_connection()
    unverified = requests.packages.urllib3.exceptions.InsecureRequestWarning  # type: ignore[attr-defined]
    with warnings.catch_warnings(record=True) as heard:
        warnings.warn("unverified", unverified, stacklevel=1)
    assert heard


def test_no_representation_shows_a_secret() -> None:
    shown = f"{access()!r} {a_connection()!r}"
    assert "secret" not in shown
