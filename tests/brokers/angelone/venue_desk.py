"""An account at a venue process, listened to by the real sockets."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from apps.accounts.models import TradingAccount
from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.feed import MarketListener, OrderListener
from apps.brokers.angelone.gateway import AngelOneGateway
from apps.brokers.angelone.session import LOG_OUT_AT
from apps.core.clock import now
from apps.marketdata.models import Instrument
from apps.orders.domain.types import OrderRequest, OrderType, Side, TimeInForce
from tests.contracts.angelone import SYMBOL, angelone_account, gateway_to, listing_of
from tests.factories.marketdata import InstrumentFactory
from tests.venues.angelone import AngelOneVenue, angelone_venue


@dataclass
class VenueDesk:
    """One account and one instrument whose market never closes for the desk."""

    venue: AngelOneVenue
    account: TradingAccount
    instrument: Instrument
    bars: list[tuple[str, str]] = field(default_factory=list)
    hints: int = 0

    @property
    def gateway(self) -> AngelOneGateway:
        return gateway_to(self.venue, self.account)

    def request(self, key: str, **changes: Any) -> OrderRequest:
        """Ask to buy one share."""
        values: dict[str, Any] = {
            "client_order_id": key,
            "symbol": self.instrument.symbol,
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "quantity": Decimal(1),
            "time_in_force": TimeInForce.DAY,
            "as_of": now(),
        }
        return OrderRequest(**{**values, **changes})

    @property
    def client(self) -> AngelOneClient:
        return self.gateway.client

    def market(self) -> MarketListener:
        listener = MarketListener(
            client=self.client,
            on_bars=lambda instrument, timeframe: self.bars.append((instrument.symbol, timeframe)),
            url=f"{self.venue.ws_url}/smart-stream",
        )
        listener.watch({self.instrument: ["1m"]})
        return listener

    def orders(self) -> OrderListener:
        return OrderListener(
            client=self.client, on_hint=self._hint, url=f"{self.venue.ws_url}/smart-order-update"
        )

    def _hint(self) -> bool:
        self.hints += 1
        return True


@contextmanager
def venue_desk(folder: Path, **settings: object) -> Iterator[VenueDesk]:
    terms = {"rate_scale": 0, "tick_seconds": 0.2, **settings}
    # Threads of sockets live by the machine's clock, on which the sessions' end must not fall
    ends = LOG_OUT_AT if "now" in settings else (24, 0)
    with (
        patch("apps.brokers.angelone.session.LOG_OUT_AT", ends),
        angelone_venue(folder, **terms) as venue,
    ):
        listing_of(SYMBOL, "100")
        instrument = InstrumentFactory(
            symbol=SYMBOL, venue="NSE", kind="EQUITY", calendar="24/7", quote_currency="INR"
        )
        venue.price("NSE:LEVEL-EQ", 100)
        yield VenueDesk(venue, angelone_account(), instrument)


def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"it did not come to that within {seconds:g} s")
        time.sleep(0.01)


def threads_of(name: str) -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith(name)]
