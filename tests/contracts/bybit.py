"""Bybit's adapter under the contract, with pybit underneath and a venue in another process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.test import override_settings

from apps.accounts.models import TradingAccount
from apps.accounts.services import credential_store
from apps.brokers.bybit.gateway import BybitGateway
from apps.brokers.bybit.modes import MODES
from apps.brokers.bybit.opening import SESSIONS, bybit_gateway
from apps.brokers.limits import RateLimit
from tests.contracts.broker import LOT, TICK
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue


def no_limit(*, bucket: str, limits: Sequence[RateLimit]) -> None:
    """Allow all: the contract places more orders in a second than Bybit would take."""


@dataclass
class BybitUnderTest:
    """A venue that speaks Bybit V5, and an account on its test network."""

    venue: BybitVenue
    account: TradingAccount
    symbol: str = "BYBIT:BTCUSDT.P"
    currency: str = "USDT"
    price_moves_cash: bool = False

    @property
    def gateway(self) -> BybitGateway:
        opened = bybit_gateway(self.account)
        session = replace(opened.session, permit=no_limit)
        return BybitGateway(self.account, session)

    @property
    def moment(self) -> datetime:
        return datetime.now(UTC)

    def market_trades(self, price: int) -> None:
        self.venue.price("BTCUSDT", price)

    def answer_lose(self) -> None:
        self.venue.fault("DROP_AFTER", endpoint="order/create")

    def cut_off(self) -> None:
        self.venue.fault("DROP_BEFORE")


@contextmanager
def bybit_under_test(folder: Path, **changes: Any) -> Iterator[BybitUnderTest]:
    """Start a venue process, with some settings of its own."""
    SESSIONS.clear()
    MODES.clear()
    terms = {
        "rate_scale": "0",
        "entry_delay_ms": 0,
        "balances": {"USDT": "10000"},
        "prices": {"BTCUSDT": "100"},
        **changes,
    }
    with (
        bybit_venue(folder, **terms) as venue,
        override_settings(BYBIT_REST_URL=venue.url, BYBIT_STREAM_URL=venue.ws_url),
    ):
        account = TradingAccountFactory(broker="BYBIT", mode="TEST", base_currency="USDT")
        values = {"api_key": VENUE_KEY, "api_secret": VENUE_SECRET}
        credential_store(account=account, values=values)
        InstrumentFactory(
            symbol="BYBIT:BTCUSDT.P",
            venue="BYBIT",
            kind="PERPETUAL",
            quote_currency="USDT",
            tick_size=TICK,
            lot_size=Decimal(LOT),
        )
        yield BybitUnderTest(venue, account)
