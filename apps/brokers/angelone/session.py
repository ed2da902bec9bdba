"""Keeps one session a trading day for each account, which all processes share.

Angel One ends every session at midnight in India, and exchanges demand that sessions are logged out
before the next trading day. Many wrong logins block the client, so that a refused one is not tried
again at once. Tokens are sealed in the database; one process logs in while the others wait.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.db.models import F, Q
from django.views.decorators.debug import sensitive_variables
from django_otp.oath import TOTP

from apps.accounts.models import TradingAccount
from apps.brokers.angelone.fields import Garbled, row_of
from apps.brokers.angelone.hiding import Hidden, HiddenText, hidden
from apps.brokers.angelone.library import Connection
from apps.brokers.angelone.words import in_india, next_midnight
from apps.brokers.models import AngelOneSession
from apps.core.clock import now
from apps.core.sealing import SealBroken
from apps.orders.domain.ports import AuthenticationFailed, BrokerError, Rejected, Unavailable

CLAIM_SECONDS = 30.0
WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.1
LOG_OUT_AT = (23, 45)
"""From this time in India until midnight there is no session."""

_CODE_SECONDS = 30
_LONGEST_TOKEN = 8192
_LONG_PAUSE = timedelta(minutes=15)
Connect = Callable[[str | None], Connection]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What opens an account today."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    feed: str = field(repr=False)
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How to get into one account.

    Attributes:
        connect: Returns a connection with an access token, or without one.
        credential: Returns the account's values by name.
    """

    account: TradingAccount
    connect: Connect
    credential: Callable[[], Mapping[str, str]]

    def tokens(self) -> Tokens:
        """Return the tokens of today's session; log in where there is none.

        Raises:
            AuthenticationFailed: The login was refused, or is not tried again yet.
            Unavailable: Nobody could log in, or sessions are ended for the day.
        """
        self._day_require()
        row = self._row()
        return self._opened(row) or self._entered(row.generation)

    def renewed(self, refused: Tokens) -> Tokens:
        """Return other tokens than those that the broker has just refused."""
        self._day_require()
        row = self._row()
        current = self._opened(row)
        if current is not None and current.generation != refused.generation:
            return current
        return self._entered(refused.generation)

    def log_out(self) -> bool:
        """End the session at the broker and forget its tokens; False: there was none.

        The tokens are forgotten even where the broker cannot be told: they end at midnight.
        """
        row = self._row()
        current = self._opened(row)
        AngelOneSession.objects.filter(pk=row.pk).update(
            sealed_tokens="", ends_at=None, generation=F("generation") + 1
        )
        if current is None:
            return False
        connection = self.connect(current.access)
        try:
            connection.terminateSession(self.credential()["client_code"])
        except BrokerError:
            return True
        return True

    def _day_require(self) -> None:
        clock = in_india(now())
        if (clock.hour, clock.minute) >= LOG_OUT_AT:
            raise Unavailable(
                "sessions at Angel One are logged out before the next trading day; "
                "the desk logs in again after midnight in India"
            )

    def _row(self) -> AngelOneSession:
        return AngelOneSession.objects.get_or_create(account=self.account)[0]

    def _opened(self, row: AngelOneSession) -> Tokens | None:
        if not row.sealed_tokens or row.ends_at is None or row.ends_at <= now():
            return None
        try:
            told = hidden(json.loads(row.field_unseal("sealed_tokens")))
        except SealBroken:
            return None  # sealed under a key that is gone: log in anew
        return Tokens(
            access=told["access"],
            refresh=told["refresh"],
            feed=told["feed"],
            generation=row.generation,
        )

    def _entered(self, generation: int) -> Tokens:
        """Log in, or wait for the process that does."""
        self.credential()  # one that is missing is no login that the broker refused
        until = time.monotonic() + WAIT_SECONDS
        while True:
            row = self._row()
            current = self._opened(row)
            if current is not None and current.generation != generation:
                return current
            if self._claimed(row):
                return self._log_in(row, current)
            if time.monotonic() > until:
                raise Unavailable("another process logs in at Angel One and has not finished")
            time.sleep(LOOK_SECONDS)

    def _claimed(self, row: AngelOneSession) -> bool:
        moment = now()
        if row.retry_at is not None and row.retry_at > moment:
            raise AuthenticationFailed(
                f"Angel One refused the last login ({row.failure}); it is tried again after "
                f"{in_india(row.retry_at):%H:%M:%S} in India. Too many refusals block the client: "
                "correct the credential first"
            )
        return bool(
            AngelOneSession.objects.filter(
                Q(login_claimed_until=None) | Q(login_claimed_until__lt=moment),
                pk=row.pk,
                generation=row.generation,
            ).update(login_claimed_until=moment + timedelta(seconds=CLAIM_SECONDS))
        )

    def _log_in(self, row: AngelOneSession, current: Tokens | None) -> Tokens:
        try:
            told = self._refreshed(current) if current is not None else None
            told = told or self._logged_in()
        except (AuthenticationFailed, Rejected) as refusal:
            self._refusal_keep(row, refusal)
        except BaseException:
            AngelOneSession.objects.filter(pk=row.pk).update(login_claimed_until=None)
            raise
        return self._kept(row, told)

    def _refreshed(self, current: Tokens) -> Hidden | None:
        """Ask for new tokens with the refresh token; None: only a full login helps."""
        try:
            answer = self.connect(current.access).generateToken(current.refresh)
            return tokens_read(answer)
        except (BrokerError, Garbled, KeyError, TypeError):
            return None

    @sensitive_variables()
    def _logged_in(self) -> Hidden:
        values = self.credential()
        answer = self.connect(None)._postRequest(  # noqa: SLF001  generateSession asks for more
            "api.login",
            login_words(values, at=now()),
        )
        try:
            return tokens_read(answer)
        except Garbled as garbled:
            raise Unavailable(f"the answer to the login cannot be read: {garbled}") from None

    def _kept(self, row: AngelOneSession, told: Hidden) -> Tokens:
        moment = now()
        row.field_seal("sealed_tokens", json.dumps(told))
        AngelOneSession.objects.filter(pk=row.pk).update(
            sealed_tokens=row.sealed_tokens,
            generation=row.generation + 1,
            began_at=moment,
            ends_at=next_midnight(moment),
            login_claimed_until=None,
            failures=0,
            retry_at=None,
            failure="",
        )
        return Tokens(**told, generation=row.generation + 1)

    def _refusal_keep(self, row: AngelOneSession, refusal: BrokerError) -> NoReturn:
        """Wait for the next one-time password, and after a second refusal much longer."""
        moment = now()
        pause = _LONG_PAUSE if row.failures else timedelta(seconds=_CODE_SECONDS)
        AngelOneSession.objects.filter(pk=row.pk).update(
            login_claimed_until=None,
            failures=row.failures + 1,
            retry_at=moment + pause,
            failure=str(refusal)[:400],
        )
        raise AuthenticationFailed(f"the login was refused: {refusal}") from None


def session_forgive(*, account: TradingAccount) -> None:
    """Let the next login be tried at once: the credential has been corrected."""
    AngelOneSession.objects.filter(account=account).update(failures=0, retry_at=None, failure="")


@sensitive_variables()
def one_time_password(secret: str, *, at: datetime) -> str:
    """Return the six digits of a moment.

    Args:
        secret: Base32, as Angel One shows it beside the QR code.

    Raises:
        AuthenticationFailed: It is no base32.
    """
    text = HiddenText(secret.replace(" ", "").upper())
    try:
        key = base64.b32decode(HiddenText(text + "=" * (-len(text) % 8)))
    except binascii.Error:
        raise AuthenticationFailed(
            "the TOTP secret is no base32; copy the text that Angel One shows with the QR code"
        ) from None
    code = TOTP(key, step=_CODE_SECONDS)
    code.time = at.timestamp()
    return HiddenText(f"{code.token():06d}")


def login_words(values: Mapping[str, str], *, at: datetime) -> Hidden:
    """Return what a login tells.

    Args:
        values: Of the credential, by name.
    """
    return Hidden(
        clientcode=values["client_code"],
        password=values["pin"],
        totp=one_time_password(values["totp_secret"], at=at),
    )


def tokens_read(answer: Mapping[str, Any]) -> Hidden:
    """Return the tokens of an answer to a login.

    Raises:
        Garbled: One is missing or none.
    """
    told = Hidden(row_of(answer.get("data"), "session"))
    return hidden(
        {
            "access": _token(told, "jwtToken").removeprefix("Bearer "),
            "refresh": _token(told, "refreshToken"),
            "feed": _token(told, "feedToken"),
        }
    )


def _token(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    is_token = isinstance(value, str) and value.isascii() and value.isprintable()
    if not is_token or not 1 <= len(str(value)) <= _LONGEST_TOKEN:
        raise Garbled(f"{name} is none")
    return str(value)
