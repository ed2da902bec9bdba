"""What the venue keeps: orders, positions, markets, and an account's book with its reports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.venues.loopback.terms import FINAL, LIMITED, TRIGGERED, OrderTerms, Side, Status

Report = dict[str, Any]
ZERO = Decimal(0)


def ten_places(number: Fraction) -> Decimal:
    """Round half to even to ten decimal places, which is what amounts have here."""
    return Decimal(f"{round(number * 10**10)}E-10")


def plain(number: Decimal) -> str:
    """Write a number without exponent."""
    return f"{number:f}"


@dataclass(slots=True)
class VenueOrder:
    """One order in the book."""

    account: str
    venue_order_id: str
    terms: OrderTerms
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    status: Status
    updated_at: str
    filled_quantity: Decimal = ZERO
    is_triggered: bool = False
    text: str = ""

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def is_working(self) -> bool:
        return self.status not in FINAL

    @property
    def waits_for_trigger(self) -> bool:
        return self.terms.order_type in TRIGGERED and not self.is_triggered

    @property
    def bound(self) -> Decimal | None:
        """The worst price that it takes; None: any."""
        return self.limit_price if self.terms.order_type in LIMITED else None

    def wire(self) -> Report:
        """Return where the order stands, as it travels."""
        return {
            "type": "ORDER",
            "client_order_id": self.terms.client_order_id,
            "venue_order_id": self.venue_order_id,
            "symbol": self.terms.symbol,
            "side": self.terms.side,
            "quantity": plain(self.quantity),
            "status": self.status,
            "filled_quantity": plain(self.filled_quantity),
            "occurred_at": self.updated_at,
            "limit_price": None if self.limit_price is None else plain(self.limit_price),
            "stop_price": None if self.stop_price is None else plain(self.stop_price),
            "text": self.text,
        }


@dataclass(slots=True)
class Position:
    """Signed units at an average price; zero when flat."""

    quantity: Decimal = ZERO
    average_entry_price: Decimal = ZERO

    def move(self, *, signed: Decimal, price: Decimal, multiplier: Decimal) -> Decimal:
        """Take an execution in; return what the part that it closed has earned."""
        held, after = self.quantity, self.quantity + signed
        average = Fraction(self.average_entry_price)
        self.quantity = after
        if held * signed >= 0:
            cost = abs(Fraction(held)) * average + abs(Fraction(signed)) * Fraction(price)
            self.average_entry_price = ten_places(cost / abs(Fraction(after)))
            return ZERO
        closed = Fraction(min(abs(held), abs(signed)).copy_sign(held))
        if after == 0:
            self.average_entry_price = ZERO
        elif after * held < 0:
            self.average_entry_price = price
        return ten_places(closed * (Fraction(price) - average) * Fraction(multiplier))


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a symbol trades at, and how much of it there is to trade.

    Attributes:
        liquidity: Units on each price level, for each account, until the next price; None: any.
        levels, step: How many levels there are on each side, and how far apart.
    """

    bid: Decimal
    ask: Decimal
    last: Decimal
    liquidity: Decimal | None
    levels: int
    step: Decimal

    def touch(self, side: Side) -> Decimal:
        """Return the price at which an order of this side would trade at once."""
        return self.ask if side is Side.BUY else self.bid

    def prices(self, side: Side) -> Iterator[tuple[int, Decimal]]:
        """Give the levels that an order of this side meets, nearest first."""
        for level in range(self.levels):
            yield level, self.touch(side) + side.sign * level * self.step


@dataclass(slots=True)
class Held:
    """A report that is published later: after some others, or after one of a kind."""

    report: Report
    reports_to_go: int | None
    until: str | None


@dataclass(slots=True)
class Account:
    """One account's book, which no other account can touch."""

    name: str
    cash: dict[str, Decimal] = field(default_factory=dict)
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    by_client_id: dict[str, list[VenueOrder]] = field(default_factory=dict)
    working: dict[str, VenueOrder] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    taken: dict[tuple[str, Side, int], Decimal] = field(default_factory=dict)
    stream: list[Report] = field(default_factory=list)
    held: dict[int, Held] = field(default_factory=dict)

    def units_held(self, symbol: str) -> Decimal:
        position = self.positions.get(symbol)
        return ZERO if position is None else position.quantity
