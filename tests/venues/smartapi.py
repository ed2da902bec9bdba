"""Angel One's own client library as it is shipped, pointed to a venue on loopback."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

import logzero
import pytest
import requests

from tests.venues.angelone import (
    VENUE_CLIENT_CODE,
    VENUE_KEY,
    VENUE_PIN,
    VENUE_TOTP_SECRET,
    AngelOneVenue,
    totp_code,
)

with mock.patch.object(requests, "get", side_effect=requests.ConnectionError("tests stay inside")):
    from SmartApi.smartConnect import SmartConnect
    from SmartApi.smartWebSocketOrderUpdate import SmartWebSocketOrderUpdate
    from SmartApi.smartWebSocketV2 import SmartWebSocketV2

__all__ = [
    "LIMIT_ORDER",
    "SmartConnect",
    "SmartWebSocketOrderUpdate",
    "SmartWebSocketV2",
    "library_pointed",
    "logged_in",
    "totp_now",
]

LIMIT_ORDER = {
    "variety": "NORMAL",
    "tradingsymbol": "SBIN-EQ",
    "symboltoken": "3045",
    "transactiontype": "BUY",
    "exchange": "NSE",
    "ordertype": "LIMIT",
    "producttype": "INTRADAY",
    "duration": "DAY",
    "price": "810",
    "squareoff": "0",
    "stoploss": "0",
    "quantity": "10",
}


def totp_now(venue: AngelOneVenue | None = None) -> str:
    """Return what the client's authenticator shows, by the machine's clock or a venue's."""
    if venue is None:
        return totp_code(VENUE_TOTP_SECRET, time.time())
    at = datetime.fromisoformat(venue.control("state")["now"])
    return totp_code(VENUE_TOTP_SECRET, at.timestamp())


def library_pointed(venue: AngelOneVenue, patch: pytest.MonkeyPatch) -> None:
    """Let the library reach a venue instead of the broker; nothing else of it is changed."""
    patch.setattr(SmartConnect, "_rootUrl", venue.url)
    patch.setattr(SmartWebSocketV2, "ROOT_URI", f"{venue.ws_url}/smart-stream")
    patch.setattr(SmartWebSocketV2, "HEART_BEAT_INTERVAL", 1)
    patch.setattr(SmartWebSocketOrderUpdate, "WEBSOCKET_URI", f"{venue.ws_url}/smart-order-update")
    patch.setattr(SmartWebSocketOrderUpdate, "HEARTBEAT_INTERVAL_SECONDS", 1)


@contextmanager
def log_kept_still() -> Iterator[None]:
    """Take back the log file that each of the library's constructors opens."""
    yield
    logzero.logfile(None)
    logzero.loglevel(logging.CRITICAL)


def client_made(venue: AngelOneVenue) -> Any:
    """Return the library's REST client, logged out."""
    with log_kept_still():
        return SmartConnect(api_key=VENUE_KEY, root=venue.url, timeout=5)


def logged_in(venue: AngelOneVenue) -> Any:
    """Return the library's REST client, logged in."""
    client = client_made(venue)
    answer = client.generateSession(VENUE_CLIENT_CODE, VENUE_PIN, totp_now(venue))
    assert answer["status"] is True, answer
    return client
