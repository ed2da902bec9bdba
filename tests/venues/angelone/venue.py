"""The venue's memory: everything it has is what its operations made of it, replayed at start."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.venues.angelone.instruments import Instrument, instruments_of
from tests.venues.angelone.journal import JournalFile, journal_read
from tests.venues.angelone.market import Market, market_open
from tests.venues.angelone.orders import Order, Trade
from tests.venues.angelone.positions import Position
from tests.venues.angelone.replies import Refusal, Row
from tests.venues.angelone.sessions import Sessions
from tests.venues.angelone.terms import BY_CLOCK, CLOSES, INDIA, OPEN, OPENS, VenueSettings

Key = tuple[str, str]


@dataclass(frozen=True)
class OrderChanged:
    """Something that order updates tell."""

    order: Row
    status: str


@dataclass(frozen=True)
class Ticked:
    """A market whose figures changed."""

    key: Key


@dataclass
class Carried:
    """What is held from before today.

    Attributes:
        delivered: Of ``quantity``, what is in the depository already; the rest is T1.
    """

    quantity: int
    average: Decimal
    delivered: int


@dataclass
class Rule:
    """A GTT rule; ``rises`` where the market was below its trigger when it was made."""

    id: str
    asked: Row
    status: str
    created_at: datetime
    updated_at: datetime
    rises: bool


Operation = Callable[..., Any]
"""A change of the venue: takes it, the moment, and fields by name."""


@dataclass
class Books:
    """What trading leaves behind."""

    orders: dict[str, Order] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    by_unique_id: dict[str, Order] = field(default_factory=dict)
    working: dict[str, Order] = field(default_factory=dict)
    positions: dict[tuple[Key, str], Position] = field(default_factory=dict)
    holdings: dict[Key, Carried] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    cash: Decimal = Decimal(0)
    blocked: Decimal = Decimal(0)
    order_count: int = 0
    fill_count: int = 0


class Venue:
    """State, changed by ``do`` alone.

    Attributes:
        offset: From the machine's clock to the venue's.
        events: What happened and streams have not told yet.
        requests_before: How many requests the journal had at the start.
    """

    def __init__(
        self, settings: VenueSettings, journal: Path, operations: dict[str, Operation]
    ) -> None:
        """Come up with what the journal tells."""
        self.settings = settings
        self.offset = timedelta(0)
        self.sessions = Sessions()
        self.books = Books(cash=Decimal(settings.cash))
        self.events: list[OrderChanged | Ticked] = []
        self.candles: dict[tuple[str, str, str], list[list[Any]]] = {}
        self.day = date.min
        self.instruments: dict[Key, Instrument] = {}
        self._markets: dict[Key, Market] = {}
        self._operations = operations
        told = journal_read(journal)
        past = list(told.of_kind("DONE"))
        self.requests_before = len(list(told.of_kind("REQUEST")))
        self.journal = JournalFile(journal)
        for entry in past:
            at = datetime.fromisoformat(entry["at"])
            self._apply(entry["op"], at, entry["fields"])
        self.events.clear()
        if settings.now and not past:
            offset = datetime.fromisoformat(settings.now) - datetime.now(UTC)
            self.do("clock", offset_seconds=offset.total_seconds())

    def now(self) -> datetime:
        """Return the venue's time, in UTC."""
        return datetime.now(UTC) + self.offset

    def today(self) -> date:
        """Return the day in India."""
        return self.now().astimezone(INDIA).date()

    def do(self, operation: str, **fields: Any) -> Any:
        """Write an operation down and carry it out; whether it may be done is known before."""
        at = self.now()
        self.journal.write(kind="DONE", op=operation, at=at.isoformat(), fields=fields)
        return self._apply(operation, at, fields)

    def is_trading(self, at: datetime) -> bool:
        """Tell whether the session is on."""
        if self.settings.session != BY_CLOCK:
            return self.settings.session == OPEN
        local = at.astimezone(INDIA)
        return local.weekday() < 5 and OPENS <= local.time() < CLOSES

    def list_day(self, day: date) -> None:
        """List what the master of a day has; what was listed keeps its market."""
        self.day = day
        for instrument in instruments_of(day):
            self.instruments.setdefault(instrument.key, instrument)

    def market(self, key: Key) -> Market:
        """Return an instrument's market.

        Raises:
            Refusal: There is no such instrument.
        """
        if key not in self._markets:
            if key not in self.instruments:
                raise Refusal("AB1018")
            self._markets[key] = market_open(self.instruments[key])
        return self._markets[key]

    def markets(self) -> Iterator[Market]:
        return iter(self._markets.values())

    def by_symbol(self, symbol: str) -> Instrument:
        """Return what has a symbol, ``EXCHANGE:SYMBOL`` where several exchanges list it.

        Raises:
            ValueError: There is none.
        """
        exchange, _, name = symbol.rpartition(":")
        for instrument in self.instruments.values():
            if symbol_is(instrument, name) and exchange in ("", instrument.exchange):
                return instrument
        raise ValueError(f"{symbol} is not listed here; use a symbol of the instrument master")

    def order(self, orderid: str) -> Order:
        """Return one of today's orders.

        Raises:
            Refusal: There is none.
        """
        order = self.books.orders.get(orderid)
        if order is None:
            raise Refusal("AB1013")
        return order

    def position(self, instrument: Instrument, producttype: str) -> Position:
        """Return a position, flat at first."""
        place = (instrument.key, producttype)
        if place not in self.books.positions:
            self.books.positions[place] = Position(instrument, producttype)
        return self.books.positions[place]

    def tell(self, order: Order) -> None:
        """Let order updates tell where an order stands."""
        self.events.append(OrderChanged(order.update_row(), order.status.value))

    def taken(self) -> list[OrderChanged | Ticked]:
        """Return the events since the last time."""
        events, self.events = self.events, []
        return events

    def change(self, **settings: Any) -> None:
        """Change settings for the rest of the run."""
        self.settings = replace(self.settings, **settings)

    def _apply(self, operation: str, at: datetime, fields: Row) -> Any:
        return self._operations[operation](self, at, **fields)


def symbol_is(instrument: Instrument, symbol: str) -> bool:
    """Tell whether a symbol names an instrument, with or without its series."""
    return symbol in (instrument.symbol, instrument.symbol.removesuffix("-EQ"))
