"""Tokens: signed, of one day in India, and worth nothing after a log-out."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from enum import StrEnum

from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.terms import INDIA, VenueSettings
from tests.venues.angelone.totp import totp_is_valid

_SIGNING = b"angelone-venue"


class Use(StrEnum):
    ACCESS = "ACCESS"
    REFRESH = "REFRESH"
    FEED = "FEED"


class TokenBad(Exception):
    """A token that is none, of another use, or logged out."""


class TokenExpired(Exception):
    """A token of another day."""


def token_make(*, client_code: str, use: Use, session: int, at: datetime) -> str:
    """Return a token that is good until midnight in India."""
    claims = {"username": client_code, "token": use, "sid": session, "iat": int(at.timestamp())}
    parts = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    return f"{parts}.{_signature(parts)}"


def token_read(token: str, *, use: Use, at: datetime, logged_out: set[int]) -> Row:
    """Return a token's claims.

    Raises:
        TokenBad: It is not ours, of another use or logged out.
        TokenExpired: Midnight has passed since it was made.
    """
    parts, _, signature = token.rpartition(".")
    if not parts or not hmac.compare_digest(_signature(parts).encode(), signature.encode()):
        raise TokenBad
    claims: Row = json.loads(base64.urlsafe_b64decode(parts.split(".")[1] + "=="))
    if claims["token"] != use:
        raise TokenBad
    issued = datetime.fromtimestamp(claims["iat"], tz=INDIA)
    if issued.date() != at.astimezone(INDIA).date():
        raise TokenExpired
    if claims["sid"] in logged_out:
        raise TokenBad
    return claims


class Sessions:
    """Who is logged in."""

    def __init__(self) -> None:
        self.logged_out: set[int] = set()
        self._count = 0

    def open(self, *, client_code: str, at: datetime) -> Row:
        """Return the three tokens of a new session."""
        self._count += 1
        names = {Use.ACCESS: "jwtToken", Use.REFRESH: "refreshToken", Use.FEED: "feedToken"}
        return {
            name: token_make(client_code=client_code, use=use, session=self._count, at=at)
            for use, name in names.items()
        }

    def end(self, session: int) -> None:
        self.logged_out.add(session)

    def end_all(self) -> None:
        """Log everybody out, as the broker does before a trading day."""
        self.logged_out.update(range(self._count + 1))

    def read(self, token: str, *, use: Use, at: datetime) -> Row:
        """Return a good token's claims; see ``token_read``."""
        return token_read(token, use=use, at=at, logged_out=self.logged_out)


def login_check(asked: Row, *, settings: VenueSettings, at: datetime) -> None:
    """Check what loginByPassword brings.

    Raises:
        Refusal: Client code, PIN or one-time password are wrong.
    """
    if asked.get("clientcode") != settings.client_code or asked.get("password") != settings.pin:
        raise Refusal("AB1007", "LoginId or PIN is invalid")
    code = str(asked.get("totp") or "")
    if not code.isdigit() or not totp_is_valid(settings.totp_secret, code, at.timestamp()):
        raise Refusal("AB1050")


def _encoded(part: Row) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _signature(parts: str) -> str:
    digest = hmac.new(_SIGNING, parts.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
