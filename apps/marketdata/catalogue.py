"""The instruments that the desk knows without asking a venue, with the steps they trade in."""

from dataclasses import dataclass
from decimal import Decimal

from apps.marketdata.models import InstrumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """The facts of one instrument, as ``Instrument`` stores them.

    Attributes:
        symbol: VENUE:CODE.
        tick_size: Smallest step of the price, in quote currency.
        lot_size: Smallest step of the quantity, and smallest quantity, in units.
        minimum_notional: Smallest order value, in quote currency.
    """

    symbol: str
    kind: InstrumentKind
    quote_currency: str
    tick_size: Decimal
    lot_size: Decimal
    minimum_notional: Decimal = Decimal(0)
    calendar: str = "24/7"
    is_tradable: bool = True

    @property
    def venue(self) -> str:
        """The part of the symbol before the colon."""
        return self.symbol.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedMarket:
    """Where the seeded generator starts for a DEMO instrument."""

    seed: int
    initial_price: Decimal


def _perpetual(symbol: str, tick_size: str, lot_size: str) -> CatalogueEntry:
    return CatalogueEntry(
        symbol=symbol,
        kind=InstrumentKind.PERPETUAL,
        quote_currency="USDT",
        tick_size=Decimal(tick_size),
        lot_size=Decimal(lot_size),
        minimum_notional=Decimal(5),
    )


def _equity(symbol: str, tick_size: str) -> CatalogueEntry:
    return CatalogueEntry(
        symbol=symbol,
        kind=InstrumentKind.EQUITY,
        quote_currency="INR",
        tick_size=Decimal(tick_size),
        lot_size=Decimal(1),
        calendar="XNSE",
    )


def _watched(
    symbol: str, kind: InstrumentKind, quote_currency: str, tick_size: str, calendar: str
) -> CatalogueEntry:
    """Describe what is looked at and measured by, and traded nowhere."""
    return CatalogueEntry(
        symbol=symbol,
        kind=kind,
        quote_currency=quote_currency,
        tick_size=Decimal(tick_size),
        lot_size=Decimal(1),
        calendar=calendar,
        is_tradable=False,
    )


def _index(symbol: str) -> CatalogueEntry:
    return _watched(symbol, InstrumentKind.INDEX, "INR", "0.05", "XNSE")


# Bybit: instruments-info of linear perpetuals; APE's tick became finer while it fell below 0.5.
# NSE: 0.05 until April 2025, since then by price band (0.10 from 1,000 to 5,000 rupees). Prices
# adjusted for bonus issues and splits are another series, .ADJ: no order was ever filled at them.
CATALOGUE: dict[str, CatalogueEntry] = {
    entry.symbol: entry
    for entry in (
        _perpetual("BYBIT:BTCUSDT.P", "0.1", "0.001"),
        _perpetual("BYBIT:ETHUSDT.P", "0.01", "0.01"),
        _perpetual("BYBIT:SOLUSDT.P", "0.01", "0.1"),
        _perpetual("BYBIT:BNBUSDT.P", "0.1", "0.01"),
        _perpetual("BYBIT:ADAUSDT.P", "0.0001", "1"),
        _perpetual("BYBIT:AAVEUSDT.P", "0.01", "0.01"),
        _perpetual("BYBIT:AVAXUSDT.P", "0.001", "0.1"),
        _perpetual("BYBIT:APEUSDT.P", "0.00001", "0.1"),
        _equity("NSE:RELIANCE", "0.10"),
        _equity("NSE:HDFCBANK", "0.05"),
        _equity("NSE:ABB", "0.05"),
        *(
            _watched(f"NSE:{share}.ADJ", InstrumentKind.EQUITY, "INR", "0.01", "XNSE")
            for share in ("RELIANCE", "HDFCBANK", "ABB")
        ),
        _index("NSE:NIFTY50"),
        _index("NSE:BANKNIFTY"),
        *(
            _watched(f"BYBIT:{coin}USDT.MARK", InstrumentKind.INDEX, "USDT", tick_size, "24/7")
            for coin, tick_size in (("BTC", "0.01"), ("ETH", "0.01"), ("SOL", "0.001"))
        ),
        _watched("NASDAQ:GOOG", InstrumentKind.EQUITY, "USD", "0.01", "24/5"),
        _watched("FX:EURUSD", InstrumentKind.SPOT, "USD", "0.00001", "24/5"),
        _perpetual("DEMO:AURUM.P", "0.1", "0.01"),
        _perpetual("DEMO:BOREA.P", "0.01", "0.1"),
        _perpetual("DEMO:CORVUS.P", "0.0001", "1"),
    )
}

GENERATED_MARKETS: dict[str, GeneratedMarket] = {
    "DEMO:AURUM.P": GeneratedMarket(seed=11, initial_price=Decimal(2400)),
    "DEMO:BOREA.P": GeneratedMarket(seed=23, initial_price=Decimal(38)),
    "DEMO:CORVUS.P": GeneratedMarket(seed=47, initial_price=Decimal("1.2")),
}
