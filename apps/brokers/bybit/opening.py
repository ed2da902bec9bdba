"""Opens an account's session and gateway at Bybit with the key that is stored for it."""

import threading
import time
from dataclasses import dataclass

from apps.accounts.models import TradingAccount
from apps.accounts.selectors import CredentialMissing, credential_read
from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.gateway import BybitGateway
from apps.brokers.bybit.hosts import hosts_for, market_hosts
from apps.brokers.bybit.session import BybitSession
from apps.core.sealing import SealBroken

LIFE_SECONDS = 30.0
"""How long a process goes on with a key that may have been changed meanwhile."""


@dataclass(frozen=True, slots=True)
class _Opened:
    session: BybitSession
    opened_at: float


class Sessions:
    """The sessions of a process, so that not each order unseals the key anew."""

    def __init__(self) -> None:
        self._by_account: dict[tuple[int, str], _Opened] = {}
        self._lock = threading.Lock()

    def of(self, account: TradingAccount) -> BybitSession:
        """Return an account's session; without a key it refuses all but what is public."""
        place = (account.pk, account.mode)
        with self._lock:
            known = self._by_account.get(place)
        if known is not None and time.monotonic() - known.opened_at < LIFE_SECONDS:
            return known.session
        session = _session_open(account)
        if session.keys is not None:
            with self._lock:
                self._by_account[place] = _Opened(session, time.monotonic())
        return session

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._by_account.clear()


SESSIONS = Sessions()


def bybit_gateway(account: TradingAccount) -> BybitGateway:
    """Return the account's gateway."""
    return BybitGateway(account, SESSIONS.of(account))


def market_session() -> BybitSession:
    """Return a session for what is public."""
    return BybitSession("market", market_hosts())


def _session_open(account: TradingAccount) -> BybitSession:
    user, hosts = f"{account.pk}", hosts_for(account.mode)
    try:
        values = credential_read(account=account)
    except (CredentialMissing, SealBroken) as error:
        return BybitSession(user, hosts, keyless_reason=str(error))
    return BybitSession(user, hosts, Keys(values["api_key"], values["api_secret"]))
