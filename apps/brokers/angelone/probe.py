"""Asks Angel One whether a credential works, and whether orders are taken from this machine."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from apps.accounts.models import TradingAccount
from apps.brokers.angelone.answers import UnregisteredAddress
from apps.brokers.angelone.fields import Garbled, row_of, text_of
from apps.brokers.angelone.hiding import hidden
from apps.brokers.angelone.library import WRITES, Connection
from apps.brokers.angelone.pace import pace_for
from apps.brokers.angelone.session import login_words, session_forgive, tokens_read
from apps.brokers.checks import CheckStep, Verdict
from apps.core.clock import now
from apps.orders.domain.ports import OutcomeUnknown, Rejected, Unavailable

NO_ORDER = "000000000000000"
"""A number that no order has: to ask whether this machine's address is accepted."""


def angelone_probe(account: TradingAccount, values: Mapping[str, str]) -> Iterator[CheckStep]:
    """Yield login, segments and the machine's address.

    Args:
        values: Of the credential to try, which need not be in use yet. It is logged in with them
            anew; tokens are forgotten afterwards.

    Raises:
        BrokerError: Angel One could not be asked, or does not accept the credential.
    """
    values = hidden(values)
    connection = _connection(account, values, None)
    answer = connection._postRequest(  # noqa: SLF001  generateSession asks for more
        "api.login",
        login_words(values, at=now()),
    )
    try:
        tokens = tokens_read(answer)
    except Garbled as garbled:
        raise Unavailable(f"the answer to the login cannot be read: {garbled}") from None
    session_forgive(account=account)  # what was refused before has been corrected
    inside = _connection(account, values, tokens["access"])
    yield _login(inside, tokens["refresh"])
    yield address_step(inside)


def address_step(connection: Connection) -> CheckStep:
    """Ask to cancel an order that cannot be: nothing is changed, and the address is looked at."""
    try:
        connection.cancelOrder(NO_ORDER, "NORMAL")
    except UnregisteredAddress as refused:
        return CheckStep(name="address", verdict=Verdict.FAILED, sentence=str(refused))
    except (Rejected, OutcomeUnknown):
        pass  # it was let in, and there is no such order
    return CheckStep(
        name="address",
        verdict=Verdict.OK,
        sentence="Angel One takes orders from this machine's address.",
    )


def _login(connection: Connection, refresh_token: str) -> CheckStep:
    profile = _profile(connection.getProfile(refresh_token))
    segments = profile.get("exchanges", "")
    return CheckStep(
        name="login",
        verdict=Verdict.OK,
        sentence=f"Angel One accepts client code, PIN and one-time password; segments: {segments}.",
        permissions=tuple(f"exchange.{word}" for word in segments.split(", ") if word),
    )


def _profile(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the segments of a profile: a list, or a text that holds one."""
    try:
        row = row_of(answer.get("data"), "profile")
        told = row.get("exchanges")
        words = told if isinstance(told, list) else text_of(row, "exchanges").strip("[]").split(",")
    except Garbled:
        return {}
    names = (str(word).strip(" \"'") for word in words)
    return {"exchanges": ", ".join(sorted(name for name in names if name.isalnum())[:20])}


def _connection(
    account: TradingAccount, values: Mapping[str, str], access_token: str | None
) -> Connection:
    pace = pace_for(str(account.pk))
    return Connection(
        api_key=values["api_key"],
        root=str(settings.ANGELONE_URL),
        timeout_seconds=7.0,
        public_ip=values.get("static_ip", ""),
        access_token=access_token,
        before_request=lambda route: pace(route, route in WRITES),
    )
