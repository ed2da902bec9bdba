"""What a day needs of each broker: where the venue is, who may trade, and what it was asked."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.venues.angelone import (
    VENUE_CLIENT_CODE,
    VENUE_PIN,
    VENUE_TOTP_SECRET,
    angelone_venue,
)
from tests.venues.angelone import VENUE_KEY as ANGELONE_KEY
from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, bybit_venue


class Wire(Protocol):
    """The venue process of a broker."""

    def price(self, symbol: str, price: str) -> None:
        """Let the market trade there."""
        ...

    def control(self, name: str, **asked: Any) -> dict[str, Any]:
        """Ask the control side."""
        ...

    def journal(self) -> Any:
        """Return what it was asked and did."""
        ...


@dataclass(frozen=True)
class DayVenue:
    """One broker's venue for a day.

    Attributes:
        instruments: The venue's word and opening price of each of the desk's symbols.
        environment: Settings with which the desk finds the venue.
        instruments_command: Brings the instruments into the desk.
        accepted: From the journal, how often each order was made.
        capital: What the account holds at the venue when the day begins.
        pace_seconds: Between signals. A desk takes 120 a minute from one sender, and Angel One's
            books are read once a second for all deployments together.
    """

    wire: Wire
    broker: str
    mode: str
    currency: str
    capital: str
    credential: Mapping[str, str]
    instruments: Mapping[str, tuple[str, str]]
    environment: Mapping[str, str]
    instruments_command: tuple[str, ...]
    accepted: Callable[[Any], dict[str, int]]
    sizing: str
    pace_seconds: float


@contextmanager
def bybit_day(folder: Path) -> Iterator[DayVenue]:
    """Run a venue that speaks Bybit V5."""
    symbols = {"BTCUSDT": "50000", "ETHUSDT": "2500", "SOLUSDT": "150"}
    with bybit_venue(folder, prices=symbols, balances={"USDT": "1000000"}) as venue:
        yield DayVenue(
            wire=venue,
            broker="BYBIT",
            mode="TEST",
            currency="USDT",
            capital="1000000",
            credential={"api_key": VENUE_KEY, "api_secret": VENUE_SECRET},
            instruments={f"BYBIT:{code}.P": (code, price) for code, price in symbols.items()},
            environment={
                "DESK_BYBIT_REST_URL": venue.url,
                "DESK_BYBIT_STREAM_URL": venue.ws_url,
            },
            instruments_command=("bybit_instruments", *symbols),
            accepted=lambda journal: journal.accepted_by_link(),
            sizing="FIXED_NOTIONAL:3000",
            pace_seconds=0.6,
        )


@contextmanager
def angelone_day(folder: Path) -> Iterator[DayVenue]:
    """Run a venue that speaks SmartAPI, whose session never ends."""
    prices = {"SBIN": "820", "RELIANCE": "2500", "INFY": "1960"}
    with angelone_venue(folder) as venue:
        yield DayVenue(
            wire=venue,
            broker="ANGELONE",
            mode="LIVE",
            currency="INR",
            capital="10000000",
            credential={
                "api_key": ANGELONE_KEY,
                "client_code": VENUE_CLIENT_CODE,
                "pin": VENUE_PIN,
                "totp_secret": VENUE_TOTP_SECRET,
                "static_ip": "127.0.0.1",
            },
            instruments={
                f"NSE:{code}": (f"NSE:{code}-EQ", price) for code, price in prices.items()
            },
            environment={
                "DESK_ANGELONE_URL": venue.url,
                "DESK_ANGELONE_FEED_URL": f"{venue.ws_url}/smart-stream",
                "DESK_ANGELONE_ORDERS_URL": f"{venue.ws_url}/smart-order-update",
                "DESK_ANGELONE_MASTER_URL": (
                    f"{venue.url}/OpenAPI_File/files/OpenAPIScripMaster.json"
                ),
                "DESK_ANGELONE_EQUITY_PRODUCT": "INTRADAY",
                "DESK_ANGELONE_ABSENCE_SECONDS": "20",
            },
            instruments_command=("angelone_instruments", "--add", *(f"NSE:{it}" for it in prices)),
            accepted=lambda journal: journal.accepted_by_tag(),
            sizing="FIXED_NOTIONAL:100000",
            pace_seconds=2.5,
        )


VENUES = {"bybit": bybit_day, "angelone": angelone_day}
