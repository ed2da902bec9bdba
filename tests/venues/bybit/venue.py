"""The venue without a wire: its state, its clock, and operations that a journal can repeat."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from tests.venues.bybit.accounts import Account
from tests.venues.bybit.instruments import Instrument, Listing
from tests.venues.bybit.journal import JournalFile, journal_read
from tests.venues.bybit.market import Market, Quote
from tests.venues.bybit.orders import ACCEPTED, VenueOrder
from tests.venues.bybit.replies import Row
from tests.venues.bybit.terms import VenueSettings

# Changes the venue; it must follow from its fields, the state and ``now_ms`` alone.
Operation = Callable[["Venue", Mapping[str, Any]], Any]
_FIRST_NUMBER = 1_900_000_000_000_000_000  # spot ids are numbers of this length


@dataclass(frozen=True)
class Change:
    """Something that streams tell: a topic and a row of it."""

    topic: str
    row: Row


class Venue:
    """All markets and the one account.

    Attributes:
        changes: What the operation that runs has to tell, in order.
        listeners: Get the changes of each operation when it is done.
        clock_offset_ms: How far the venue's clock is ahead of the machine's.
        restarted_ms: Closed orders older than this are gone from realtime.
    """

    def __init__(
        self, settings: VenueSettings, journal_path: Path, operations: Mapping[str, Operation]
    ) -> None:
        self.settings = settings
        self._operations = operations
        self.clock_offset_ms = 0
        self.listeners: list[Callable[[list[Change]], None]] = []
        self.changes: list[Change] = []
        self.touched_markets: set[tuple[str, str]] = set()
        self.touched_positions: set[tuple[str, int]] = set()
        self.wallet_touched = False
        self.listing = Listing(fillers=settings.fillers)
        self.orders: dict[str, VenueOrder] = {}
        self.open_orders: dict[str, VenueOrder] = {}
        self.by_link: dict[tuple[str, str], VenueOrder] = {}
        self.sequence = 0
        self.restarted_ms = 0
        self.markets: dict[tuple[str, str], Market] = {}
        self._fixed_ms: int | None = None
        past = journal_read(journal_path).entries
        self.journal = JournalFile(journal_path)
        opened = next((each for each in past if each["kind"] == "OPENED"), None)
        if opened is None:
            opened = {"kind": "OPENED", "at": self.now_ms(), "seed": settings.seed or uuid4().hex}
            self.journal.write(**opened)
        self._seed = opened["seed"]
        self.since_ms: int = opened["at"]
        balances = {coin: Decimal(amount) for coin, amount in settings.balances.items()}
        self.account = Account(balances, hedge=settings.hedge, since_ms=self.since_ms)
        self._open_markets()
        self._repeat(past)

    def now_ms(self) -> int:
        """Return the venue's time; while it repeats its journal, the time of the entry."""
        if self._fixed_ms is not None:
            return self._fixed_ms
        return time.time_ns() // 1_000_000 + self.clock_offset_ms

    def do(self, name: str, **fields: Any) -> Any:
        """Run an operation, write it down, tell the listeners.

        Raises:
            Refusal: It is refused; nothing changed and nothing is written.
        """
        at_ms = self._fixed_ms = self.now_ms()
        try:
            done = self._operations[name](self, fields)
        finally:
            self._fixed_ms = None
        self.journal.write(kind="DONE", op=name, at=at_ms, fields=fields)
        self._tell()
        return done

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def next_id(self, instrument: Instrument) -> str:
        """Return an id as the category has it: a UUID, or a number as text for spot."""
        number = self.next_sequence()
        if not instrument.is_linear:
            drawn = uuid5(NAMESPACE_URL, self._seed).int % 10**12
            return str(_FIRST_NUMBER + drawn * 10**5 + number)
        return str(uuid5(NAMESPACE_URL, f"{self._seed}:{number}"))

    def market(self, instrument: Instrument) -> Market:
        """Return the market of an instrument; those that no setting prices trade at 1."""
        found = self.markets.get(instrument.key)
        if found is None:
            price = Decimal(self.settings.prices.get(instrument.symbol, "1"))
            found = Market(instrument, price, since_ms=self.since_ms)
            found.house(Quote(price, price, price))
            self.markets[instrument.key] = found
        return found

    def orders_of(self, instrument: Instrument) -> list[VenueOrder]:
        """Return the open orders of an instrument, oldest first."""
        return [o for o in self.open_orders.values() if o.instrument.key == instrument.key]

    def pending(self) -> Iterator[VenueOrder]:
        """Yield what was acknowledged and has not entered the book."""
        return (order for order in self.open_orders.values() if order.status == ACCEPTED)

    def order_changed(self, order: VenueOrder) -> None:
        """Note that an order is now as it is."""
        order.updated_ms = self.now_ms()
        if not order.is_open and order.status not in (ACCEPTED, "Triggered"):
            self.open_orders.pop(order.order_id, None)
            self.market(order.instrument).triggers.remove(order.order_id)
        self.wallet_touched = True
        if order.is_linear:
            self.touched_positions.add((order.instrument.symbol, order.position_idx))
        self.changes.append(Change("order", order.stream_row()))

    def _open_markets(self) -> None:
        self._fixed_ms = self.since_ms
        for instrument in self.listing:
            self.market(instrument)
        self._fixed_ms = None

    def _repeat(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["kind"] == "DONE":
                self._fixed_ms = entry["at"]
                self._operations[entry["op"]](self, entry["fields"])
        self._fixed_ms = None
        self.changes.clear()
        self.touched_positions.clear()
        self.touched_markets.clear()
        self.restarted_ms = self.now_ms() if entries else 0

    def _tell(self) -> None:
        for symbol, idx in sorted(self.touched_positions):
            instrument = self.listing.get("linear", symbol)
            position = self.account.position(instrument, idx)
            row = position.stream_row(self.market(instrument).mark)
            self.changes.append(Change("position", row))
        if self.wallet_touched:
            self.changes.append(Change("wallet", {}))
        told, self.changes = self.changes, []
        self.touched_positions.clear()
        self.wallet_touched = False
        for listener in self.listeners:
            listener(told)
        self.touched_markets.clear()
