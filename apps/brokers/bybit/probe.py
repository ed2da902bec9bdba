"""Asks Bybit what a key may do, and says what a trading desk should think of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.accounts.models import TradingAccount
from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.clock import CLOCKS
from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.hosts import hosts_for
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.wire import Body, Garbled, mapping, shown, text, whole
from apps.brokers.checks import CheckStep, Verdict

OK, WARNING, FAILED = Verdict.OK, Verdict.WARNING, Verdict.FAILED
UNIFIED = (5, 6)
"""Values of unifiedMarginStatus that stand for the unified account 2.0, which the desk reads."""
_LONGEST_LIST = 60
_NEVER = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What Bybit says of a key.

    Attributes:
        permissions: ``Group.Right``, sorted.
        addresses: From which it may be used; empty: from anywhere.
        expires_at: When it ends (UTC); None: never.
    """

    is_read_only: bool
    permissions: tuple[str, ...]
    addresses: tuple[str, ...]
    expires_at: datetime | None


def bybit_probe(account: TradingAccount, values: Mapping[str, str]) -> Iterator[CheckStep]:
    """Yield clock, login and permissions, and the kind of account.

    Args:
        values: Of the credential to try, which need not be in use yet.

    Raises:
        BrokerError: Bybit could not be asked, or does not accept the key.
    """
    keys = Keys(values["api_key"], values["api_secret"])
    session = BybitSession(f"{account.pk}", hosts_for(account.mode), keys)
    yield _clock(session)
    facts = session.ask(Ask.KEY, key_facts)
    yield CheckStep(
        name="login",
        verdict=OK,
        sentence=f"Bybit ({session.hosts.network}) accepts the key.",
        permissions=facts.permissions,
        expires_at=facts.expires_at,
    )
    yield _permissions(facts)
    yield _addresses(facts)
    yield session.ask(Ask.ACCOUNT, _account)


def key_facts(result: Body) -> KeyFacts:
    """Read the answer of ``/v5/user/query-api``.

    Raises:
        Garbled: It is none.
    """
    granted = mapping(result.get("permissions"), "permissions")
    rights = [f"{group}.{right}" for group, names in granted.items() for right in _texts(names)]
    return KeyFacts(
        is_read_only=bool(whole(result, "readOnly", most=1)),
        permissions=tuple(sorted(rights)),
        addresses=tuple(each for each in _texts(result.get("ips", [])) if each != "*"),
        expires_at=_moment_or_never(text(result, "expiredAt")),
    )


def _clock(session: BybitSession) -> CheckStep:
    reading = CLOCKS.read(session.hosts.rest, session.server_time)
    ahead = f"{reading.ahead_ms:+.0f} ms (± {reading.uncertainty_ms:.0f}) against Bybit's"
    if reading.is_off:
        sentence = (
            f"This machine's clock is off: {ahead}. Let NTP set it (timedatectl set-ntp true)."
        )
        return CheckStep(name="clock", verdict=FAILED, sentence=sentence)
    return CheckStep(name="clock", verdict=OK, sentence=f"The clock is right: {ahead}.")


def _permissions(facts: KeyFacts) -> CheckStep:
    told = ", ".join(facts.permissions) or "none"
    if "Wallet.Withdraw" in facts.permissions:
        return CheckStep(
            name="permissions",
            verdict=FAILED,
            sentence="The key may withdraw money, which no trading desk needs. Make one without "
            f"that right. It has: {told}.",
        )
    if facts.is_read_only or "ContractTrade.Order" not in facts.permissions:
        return CheckStep(
            name="permissions",
            verdict=FAILED,
            sentence="The key may not send orders. It needs Read-Write with Contract: Orders and "
            f"Positions (and Spot: Trade for spot). It has: {told}.",
        )
    return CheckStep(
        name="permissions", verdict=OK, sentence=f"It trades and cannot withdraw: {told}."
    )


def _addresses(facts: KeyFacts) -> CheckStep:
    if facts.addresses:
        told = f"Used from {', '.join(facts.addresses)} alone."
        return CheckStep(name="addresses", verdict=OK, sentence=told)
    return CheckStep(
        name="addresses",
        verdict=WARNING,
        sentence="The key works from every address, and Bybit ends such keys after 90 days. Bind "
        "it to this machine's address.",
    )


def _account(result: Body) -> CheckStep:
    status = whole(result, "unifiedMarginStatus", most=9)
    mode = text(result, "marginMode").replace("_", " ").lower()
    if status not in UNIFIED:
        return CheckStep(
            name="account",
            verdict=WARNING,
            sentence=f"It is no unified account 2.0 (status {status}); upgrade it at Bybit. "
            f"{mode}.",
        )
    return CheckStep(name="account", verdict=OK, sentence=f"A unified account, {mode}.")


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > _LONGEST_LIST:
        raise Garbled(f"a list of rights or addresses is {shown(value)}")
    if not all(isinstance(each, str) and each.isprintable() and len(each) <= 64 for each in value):
        raise Garbled(f"a right or an address is {shown(value)}")
    return list(value)


def _moment_or_never(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Garbled(f"expiredAt is {shown(written)}, not a moment") from None
    if moment.tzinfo is None:
        raise Garbled(f"expiredAt is {shown(written)}, without a time zone")
    return None if moment < _NEVER else moment.astimezone(UTC)
