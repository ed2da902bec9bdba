"""The market of one instrument: its book, its waiting triggers and the day's figures."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tests.venues.angelone.instruments import Instrument
from tests.venues.exchange import OrderBook, Side, TriggerBook

ZERO = Decimal(0)
_BAND = Decimal("0.20")  # circuit limits, of the close before


@dataclass
class Market:
    """What trades where.

    Attributes:
        quote: What the house said last, to say it again when liquidity comes back.
        open_interest: Units; zero for shares.
    """

    instrument: Instrument
    book: OrderBook
    triggers: TriggerBook = field(default_factory=TriggerBook)
    opening: Decimal = ZERO
    high: Decimal = ZERO
    low: Decimal = ZERO
    close_before: Decimal = ZERO
    volume: int = 0
    turnover: Decimal = ZERO
    last_quantity: int = 0
    last_at: datetime | None = None
    open_interest: int = 0
    sequence: int = 0
    quote: dict[str, Decimal | int | None] = field(default_factory=dict)

    @property
    def last(self) -> Decimal:
        return self.book.last or self.instrument.opening

    @property
    def average(self) -> Decimal:
        return round(self.turnover / self.volume, 2) if self.volume else self.last

    @property
    def lower_circuit(self) -> Decimal:
        return _to_tick(self.close_before * (1 - _BAND), self.instrument.tick)

    @property
    def upper_circuit(self) -> Decimal:
        return _to_tick(self.close_before * (1 + _BAND), self.instrument.tick)

    def seen(self, price: Decimal, quantity: int, at: datetime) -> None:
        """Take a trade, or a price at which the house says that others traded, into the day."""
        self.opening = self.opening or price
        self.high = max(self.high, price)
        self.low = min(self.low or price, price)
        self.volume += quantity
        self.turnover += price * quantity
        self.last_quantity = quantity or self.last_quantity
        self.last_at = at
        self.sequence += 1

    def day_end(self) -> None:
        """Start the figures of another day."""
        self.close_before = self.last
        self.opening = self.high = self.low = self.turnover = ZERO
        self.volume = self.last_quantity = 0

    def best_five(self, side: Side, levels: int = 5) -> list[tuple[Decimal, int, int]]:
        """Return price, quantity and number of orders, best first, padded with zeros."""
        found = [(p, int(quantity), 1) for p, quantity in self.book.depth(side, levels)]
        return found + [(ZERO, 0, 0)] * (levels - len(found))


def market_open(instrument: Instrument) -> Market:
    """Return a market that has not traded: the house takes anything at the opening price."""
    market = Market(instrument, OrderBook(instrument.symbol))
    market.close_before = instrument.opening
    market.quote = {"last": instrument.opening}
    market.book.house_quote(last=instrument.opening)
    return market


def _to_tick(price: Decimal, tick: Decimal) -> Decimal:
    return price if not tick else (price / tick).to_integral_value() * tick
