"""What the venue lists, as the daily instrument master tells it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.venues.angelone.replies import Row

EXCHANGE_TYPES = {"NSE": 1, "NFO": 2, "BSE": 3, "BFO": 4, "MCX": 5, "NCDEX": 7, "CDS": 13}
_DERIVATIVES = ("NFO", "BFO", "MCX", "CDS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One line of the master.

    Attributes:
        opening: Price in rupees before a test sets one.
        strike: In rupees; None where there is none.
    """

    exchange: str
    token: str
    symbol: str
    name: str
    opening: Decimal
    tick: Decimal = Decimal("0.05")
    lot: int = 1
    kind: str = ""
    expiry: date | None = None
    strike: Decimal | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.exchange, self.token

    @property
    def is_derivative(self) -> bool:
        return self.exchange in _DERIVATIVES

    @property
    def is_option(self) -> bool:
        return self.kind.startswith("OPT")

    @property
    def is_traded(self) -> bool:
        return self.kind != "AMXIDX"

    @property
    def option_type(self) -> str:
        return self.symbol[-2:] if self.is_option else ""

    @property
    def expiry_word(self) -> str:
        return f"{self.expiry:%d%b%Y}".upper() if self.expiry else ""

    def row(self) -> Row:
        """Return it as the master has it: text but for one flag, money in paise."""
        strike = Decimal(-1) if self.strike is None else self.strike * 100
        return {
            "token": self.token,
            "symbol": self.symbol,
            "name": self.name,
            "expiry": self.expiry_word,
            "strike": f"{strike:.6f}",
            "lotsize": str(self.lot),
            "instrumenttype": self.kind,
            "exch_seg": self.exchange,
            "tick_size": f"{self.tick * 100:.6f}",
            "freeze_qty": "1800" if self.is_derivative else "0",
            "is_cas_enabled": False,
        }


_SHARES = (
    ("NSE", "3045", "SBIN-EQ", "SBIN", "820.00"),
    ("NSE", "2885", "RELIANCE-EQ", "RELIANCE", "2500.00"),
    ("NSE", "1594", "INFY-EQ", "INFY", "1960.00"),
    ("NSE", "1333", "HDFCBANK-EQ", "HDFCBANK", "1960.00"),
    ("NSE", "4963", "ICICIBANK-EQ", "ICICIBANK", "1430.00"),
    ("NSE", "11536", "TCS-EQ", "TCS", "3400.00"),
    ("BSE", "500112", "SBIN", "SBIN", "820.00"),
)


_LEVEL = Instrument(
    exchange="NSE",
    token="100",
    symbol="LEVEL-EQ",
    name="LEVEL",
    opening=Decimal(100),
    tick=Decimal("0.10"),
)
"""A share at 100 with a tick of 0.10, which no exchange lists."""


def instruments_of(day: date) -> list[Instrument]:
    """Return what is listed on a day; futures and options run to this and the next month's end."""
    shares = [
        Instrument(exchange=seg, token=token, symbol=symbol, name=name, opening=Decimal(price))
        for seg, token, symbol, name, price in _SHARES
    ]
    return [*shares, _LEVEL, *_indices(), *_derivatives(day)]


def _indices() -> Iterator[Instrument]:
    for token, symbol, name, level in (
        ("99926000", "Nifty 50", "NIFTY", "26000"),
        ("99926009", "Nifty Bank", "BANKNIFTY", "58000"),
    ):
        yield Instrument(
            exchange="NSE",
            token=token,
            symbol=symbol,
            name=name,
            opening=Decimal(level),
            tick=Decimal(0),
            kind="AMXIDX",
            strike=Decimal(0),
        )


def _derivatives(day: date) -> Iterator[Instrument]:
    for month, expiry in enumerate(_expiries(day)):
        word = f"{expiry:%d%b%y}".upper()
        common = {"exchange": "NFO", "name": "NIFTY", "lot": 75, "expiry": expiry}
        yield _derivative(
            common, f"{35000 + month}", f"NIFTY{word}FUT", kind="FUTIDX", price="26050.00"
        )
        for place, strike in enumerate(range(25000, 27001, 500)):
            for side, kind in enumerate(("CE", "PE")):
                yield _derivative(
                    common,
                    f"{45000 + month * 100 + place * 2 + side}",
                    f"NIFTY{word}{strike}{kind}",
                    kind="OPTIDX",
                    price="150.00",
                    strike=Decimal(strike),
                )
    crude = {"exchange": "MCX", "name": "CRUDEOIL", "lot": 1, "expiry": _expiries(day)[1]}
    yield _derivative(
        crude, "430001", "CRUDEOILFUT", kind="FUTCOM", price="5600.00", tick=Decimal(1)
    )


def _derivative(
    common: Row,
    token: str,
    symbol: str,
    *,
    kind: str,
    price: str,
    strike: Decimal | None = None,
    tick: Decimal = Decimal("0.05"),
) -> Instrument:
    return Instrument(
        **common,
        token=token,
        symbol=symbol,
        kind=kind,
        opening=Decimal(price),
        strike=strike,
        tick=tick,
    )


def _expiries(day: date) -> tuple[date, date]:
    """Return the last Tuesdays of two months, neither before ``day``."""
    found: list[date] = []
    month = day.replace(day=1)
    while len(found) < 2:
        following = (month + timedelta(days=32)).replace(day=1)
        last = following - timedelta(days=1)
        tuesday = last - timedelta(days=(last.weekday() - 1) % 7)
        if tuesday >= day:
            found.append(tuesday)
        month = following
    return found[0], found[1]
