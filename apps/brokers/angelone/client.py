"""Asks Angel One for one account: session, rates, circuit breaker and meanings in one place."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.accounts.models import TradingAccount, TradingMode
from apps.accounts.selectors import CredentialMissing, credential_read
from apps.brokers.angelone.answers import SessionRefused
from apps.brokers.angelone.hiding import hidden
from apps.brokers.angelone.library import WRITES, Connection
from apps.brokers.angelone.pace import READ_PATIENCE_SECONDS, Pace, pace_for
from apps.brokers.angelone.session import Door, Tokens
from apps.brokers.breaker import breaker_guard
from apps.core.sealing import SealBroken
from apps.orders.domain.ports import AuthenticationFailed, OutcomeUnknown, Rejected, Throttled

REAL_HOST = "angelone.in"
Ask = Callable[[Connection], Any]


def _url() -> str:
    return str(settings.ANGELONE_URL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AngelOneClient:
    """One account at Angel One.

    Attributes:
        root: Origin of the REST interface.
        pace: Takes the permits of the rate limits; None: the desk's own.
        timeout_seconds: For connecting, and for each wait for bytes.
    """

    account: TradingAccount
    root: str = field(default_factory=_url)
    pace: Pace | None = None
    timeout_seconds: float = 7.0

    def read(self, ask: Ask) -> Any:
        """Return the data of an answer; None where the broker says that there is nothing.

        A session that the broker refuses is renewed, and the question asked once more.

        Raises:
            BrokerError: Nothing was read.
        """
        tokens = self._door().tokens()
        try:
            return self._read(ask, tokens)
        except SessionRefused:
            tokens = self._door().renewed(tokens)
        return self._read(ask, tokens)

    def write(self, ask: Ask) -> Any:
        """Return the data of an answer to something that is asked once and never again here.

        Raises:
            SessionRefused: Nothing was done, and the session is renewed by now.
            BrokerError: One of the five meanings.
        """
        tokens = self._door().tokens()
        try:
            return self._asked(ask, tokens, "write")
        except SessionRefused:
            self._door().renewed(tokens)
            raise

    def tokens(self) -> Tokens:
        """Return what opens the sockets."""
        return self._door().tokens()

    def tokens_renewed(self, refused: Tokens) -> Tokens:
        """Return other tokens than those that a socket has just refused."""
        return self._door().renewed(refused)

    def log_out(self) -> bool:
        """End the day's session."""
        return self._door().log_out()

    def credential(self) -> Mapping[str, str]:
        """Return the account's values by name.

        Raises:
            AuthenticationFailed: There are none in use, or they do not open here.
        """
        try:
            return hidden(credential_read(account=self.account))
        except (CredentialMissing, SealBroken) as missing:
            raise AuthenticationFailed(str(missing)) from None

    def _door(self) -> Door:
        if self.account.mode != TradingMode.LIVE and (urlsplit(self.root).hostname or "").endswith(
            REAL_HOST
        ):
            raise Rejected(
                f"{self.account} is no live account, and Angel One has no test network: try "
                "strategies on a PAPER account, and trade here on one whose mode is LIVE",
                code="NO_TEST_NETWORK",
            )
        return Door(account=self.account, connect=self._connection, credential=self.credential)

    def _read(self, ask: Ask, tokens: Tokens) -> Any:
        """Ask again for a while where the broker says that it was too fast."""
        deadline = time.monotonic() + READ_PATIENCE_SECONDS
        while True:
            try:
                return self._asked(ask, tokens, "read")
            except Throttled as throttled:
                pause_seconds = throttled.retry_after_seconds
                if time.monotonic() + pause_seconds > deadline:
                    raise
            time.sleep(pause_seconds)

    def _asked(self, ask: Ask, tokens: Tokens, kind: str) -> Any:
        connection = self._connection(tokens.access)
        with breaker_guard(circuit=f"angelone:{self.account.pk}:{kind}"):
            try:
                answer = ask(connection)
            except (KeyError, TypeError, AttributeError) as error:
                # The library looks into answers before it hands them on
                failure = OutcomeUnknown(f"the answer cannot be read ({type(error).__name__})")
            else:
                return answer["data"] if isinstance(answer, dict) else answer
            raise failure

    def _connection(self, access_token: str | None) -> Connection:
        values = self.credential()
        pace = self.pace or pace_for(str(self.account.pk))
        return Connection(
            api_key=values["api_key"],
            root=self.root,
            timeout_seconds=self.timeout_seconds,
            public_ip=values.get("static_ip", ""),
            access_token=access_token,
            before_request=lambda route: pace(route, route in WRITES),
        )
