"""The venue's calls, as JSON in and JSON out: what the desk may ask of its account."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from tests.venues.loopback.book import Account, Report, plain
from tests.venues.loopback.fields import Fields, Refusal
from tests.venues.loopback.journal import Entry, JournalWriter
from tests.venues.loopback.recording import Recorder
from tests.venues.loopback.state import APPLIERS
from tests.venues.loopback.terms import terms_read
from tests.venues.loopback.trading import (
    order_amend,
    order_cancel,
    order_cancel_all,
    order_place,
    orders_expire,
    orders_meet_price,
    orders_reject_pending,
)

Answer = dict[str, Any]


class Venue:
    """Books, reports and faults behind one lock, and a journal that outlives the process."""

    def __init__(self, journal_path: Path) -> None:
        """Come up with what the journal tells.

        Raises:
            JournalInUse: Another venue writes the journal.
        """
        self.recorder = Recorder()
        self.journal = JournalWriter(journal_path)
        self._lock = threading.Lock()
        self._number = 0
        for entry in self.journal.past.entries:
            if entry["kind"] in APPLIERS:
                self.recorder.state.apply(entry)
            self._number = max(self._number, entry.get("number", 0))
        with self.at_work():
            # What a kill interrupted goes on: an order in the book has to meet the market
            for symbol in list(self.recorder.state.markets):
                orders_meet_price(self.recorder, symbol)
            orders_reject_pending(self.recorder)

    @contextmanager
    def at_work(self) -> Iterator[Recorder]:
        """Do something alone; it is in the journal before anybody can hear of it."""
        with self._lock:
            try:
                orders_expire(self.recorder)
                yield self.recorder
            finally:
                if events := self.recorder.events_take():
                    self.journal.write(events)

    def heard(self, endpoint: str, account: str, asked: Mapping[str, object]) -> int:
        """Write a request down as it came in; return its number."""
        with self._lock:
            self._number += 1
            number = self._number
            self._note(
                {
                    "kind": "request",
                    "number": number,
                    "endpoint": endpoint,
                    "account": account,
                    "asked": asked,
                }
            )
        return number

    def answered(self, number: int, **answer: object) -> None:
        """Write down what a request was answered, or that it was not."""
        self._note({"kind": "response", "number": number, **answer})

    def place(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Take an order."""
        with self.at_work() as recorder:
            terms = terms_read(asked)
            answer = order_place(recorder, self._account(name), terms).wire()
            orders_reject_pending(recorder)
        return answer

    def amend(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Change a working order."""
        with self.at_work() as recorder:
            read = Fields(asked)
            client_order_id, _ = read.text("client_order_id"), read.text("symbol")
            changes = {
                term: value
                for term in ("quantity", "limit_price", "stop_price")
                if (value := read.decimal_or_none(term)) is not None
            }
            read.done()
            return order_amend(recorder, self._account(name), client_order_id, changes).wire()

    def cancel(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Cancel one order."""
        with self.at_work() as recorder:
            return order_cancel(
                recorder, self._account(name), Fields(asked).text("client_order_id")
            )

    def cancel_all(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Cancel many orders, perhaps not all."""
        with self.at_work() as recorder:
            symbol = Fields(asked).text_or_none("symbol")
            chosen = order_cancel_all(recorder, self._account(name), symbol)
            return {"count": len(chosen), "orders": [o.terms.client_order_id for o in chosen]}

    def find(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Look orders up by client order id, open and closed."""
        with self.at_work():
            known = self._account(name).by_client_id.get(Fields(asked).text("client_order_id"), [])
            return {"orders": [order.wire() for order in known]}

    def open(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Return a page of working orders, oldest first."""
        with self.at_work() as recorder:
            after = asked.get("cursor") or ""
            size = recorder.state.settings.open_page_size
            working = self._account(name).working
            page = list(islice((o for number, o in working.items() if number > after), size + 1))
            more = len(page) > size
            return {
                "orders": [order.wire() for order in page[:size]],
                "cursor": page[size - 1].venue_order_id if more else "",
                "has_more": more,
            }

    def reports(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Return a page of reports after a cursor."""
        with self.at_work() as recorder:
            stream, start = self._stream(name, asked)
            size = recorder.state.settings.page_size
            page = stream[start : start + size]
            end = start + len(page)
            return {
                "reports": page,
                "cursor": str(end) if end else "",
                "has_more": end < len(stream),
            }

    def fills(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Return a page of executions after a cursor, each as often as it was published."""
        with self.at_work() as recorder:
            stream, start = self._stream(name, asked)
            size = recorder.state.settings.page_size
            places = range(start, len(stream))
            found = list(islice((at for at in places if stream[at]["type"] == "FILL"), size))
            end = found[-1] + 1 if found else start
            return {"fills": [stream[at] for at in found], "cursor": str(end) if end else ""}

    def positions(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Return what is held."""
        with self.at_work():
            return {
                "positions": [
                    {
                        "symbol": symbol,
                        "quantity": plain(position.quantity),
                        "average_entry_price": plain(position.average_entry_price),
                    }
                    for symbol, position in self._account(name).positions.items()
                    if position.quantity
                ]
            }

    def balances(self, name: str, asked: Mapping[str, Any]) -> Answer:
        """Return the cash."""
        with self.at_work():
            cash = self._account(name).cash
            return {
                "balances": [
                    {"currency": currency, "cash": plain(amount)}
                    for currency, amount in cash.items()
                ]
            }

    def _account(self, name: str) -> Account:
        """Return the account's book, opened when it first speaks."""
        state = self.recorder.state
        if name not in state.accounts:
            self.recorder.emit(
                "opened",
                account=name,
                currency=state.settings.currency,
                cash=plain(state.settings.opening_cash),
            )
        return state.accounts[name]

    def _stream(self, name: str, asked: Mapping[str, Any]) -> tuple[list[Report], int]:
        stream = self._account(name).stream
        cursor = asked.get("cursor") or "0"
        if not cursor.isascii() or not cursor.isdigit() or int(cursor) > len(stream):
            raise Refusal(f"cursor {cursor!r} was never given out", code="CURSOR")
        return stream, int(cursor)

    def _note(self, entry: Entry) -> None:
        self.journal.write([entry])
