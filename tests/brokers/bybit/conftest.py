from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

import pytest

from apps.accounts.models import TradingAccount
from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.clock import CLOCKS
from apps.brokers.bybit.gateway import BybitGateway
from apps.brokers.bybit.hosts import Hosts
from apps.brokers.bybit.modes import MODES
from apps.brokers.bybit.reach import Reach
from apps.brokers.bybit.session import BANS, BybitSession
from apps.brokers.limits import RateLimit
from tests.brokers.bybit.scripted import ScriptedVenue, scripted_venue


def no_limit(*, bucket: str, limits: Sequence[RateLimit]) -> None:
    """Allow all."""


def no_circuit(*, circuit: str) -> AbstractContextManager[None]:
    return nullcontext()


CANARY_KEY, CANARY_SECRET = "CANARY-KEY-31415926", "CANARY-SECRET-27182818"


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    BANS.clear()
    with scripted_venue() as opened:
        yield opened
    BANS.clear()


@pytest.fixture
def session(venue: ScriptedVenue) -> BybitSession:
    CLOCKS.doubt(venue.url)
    hosts = Hosts("testnet", venue.url, "ws://127.0.0.1:1", "ws://127.0.0.1:1")
    return BybitSession(
        "scripted",
        hosts,
        Keys(CANARY_KEY, CANARY_SECRET),
        permit=no_limit,
        circuit=no_circuit,
    )


@pytest.fixture
def gateway(session: BybitSession, db: None) -> BybitGateway:
    account = TradingAccount(
        name="scripted",
        broker="BYBIT",
        mode="TEST",
        base_currency="USDT",
        created_at=datetime.now(UTC),
    )
    MODES.clear()
    return BybitGateway(account, session, reach=Reach(("USDT",), {}), slippage_percent=None)
