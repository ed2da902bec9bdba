"""Angel One's adapter for the contract: the real library over sockets to a venue process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from apps.accounts.models import TradingAccount
from apps.accounts.services import credential_approve, credential_store
from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.models import AngelOneListing
from apps.core.clock import now, standing_at
from apps.orders.domain.ports import BrokerGateway
from tests.contracts.broker import BrokerUnderTest
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.venues.angelone import (
    VENUE_CLIENT_CODE,
    VENUE_KEY,
    VENUE_PIN,
    VENUE_TOTP_SECRET,
    AngelOneVenue,
    angelone_venue,
)

D = Decimal
SYMBOL = "NSE:LEVEL"
MIDDAY = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
"""Noon in India on a day on which NSE trades."""


@dataclass
class AngelOneUnderTest:
    """A venue in another process. Its instrument has a lot of one share."""

    venue: AngelOneVenue
    account: TradingAccount
    symbol: str = SYMBOL
    currency: str = "INR"
    price_moves_cash: bool = True

    @property
    def gateway(self) -> BrokerGateway:
        return gateway_to(self.venue, self.account)

    @property
    def moment(self) -> datetime:
        return now()

    def market_trades(self, price: int) -> None:
        self.venue.price("NSE:LEVEL-EQ", price)

    def answer_lose(self) -> None:
        self.venue.fault("DROP_AFTER", endpoint="placeOrder")

    def cut_off(self) -> None:
        self.venue.fault("DROP_BEFORE")


def gateway_to(venue: AngelOneVenue, account: TradingAccount) -> AngelOneGateway:
    """Return a gateway to a venue that counts no rates."""
    client = AngelOneClient(account=account, root=venue.url, pace=lambda *_: None)
    return AngelOneGateway(account, client=client, equity_product="INTRADAY")


def angelone_account(name: str = "contract") -> TradingAccount:
    """Return a live account whose credential the venue knows."""
    account = TradingAccountFactory(name=name, broker="ANGELONE", mode="LIVE", base_currency="INR")
    credential = credential_store(
        account=account,
        values={
            "api_key": VENUE_KEY,
            "client_code": VENUE_CLIENT_CODE,
            "pin": VENUE_PIN,
            "totp_secret": VENUE_TOTP_SECRET,
            "static_ip": "127.0.0.1",
        },
        by=UserFactory(),
    )
    credential_approve(credential=credential, by=UserFactory())
    return account


def listing_of(symbol: str, token: str, *, tick: str = "0.1") -> AngelOneListing:
    """List a share."""
    exchange, code = symbol.split(":")
    return AngelOneListing.objects.create(
        exchange=exchange,
        symbol_token=token,
        trading_symbol=f"{code}-EQ",
        symbol=symbol,
        name=code,
        lot_size=D(1),
        tick_size=D(tick),
        effective_from="2026-01-01",
    )


@contextmanager
def angelone_under_test(folder: Path) -> Iterator[BrokerUnderTest]:
    """Start a venue process, in the middle of a trading day whatever the machine's clock says."""
    with (
        angelone_venue(folder, rate_scale=0, now=MIDDAY.isoformat()) as venue,
        standing_at(MIDDAY),
    ):
        listing_of(SYMBOL, "100")
        venue.price("NSE:LEVEL-EQ", 100)
        yield AngelOneUnderTest(venue, angelone_account())
