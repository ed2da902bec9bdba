"""Makes one stream of reports out of Bybit's lists, with a cursor that loses nothing.

Bybit numbers no reports. So a place in the stream is a venue time and an id: what lies after it
is new. A row may show up late, with a time before the place. So each place also counts and hashes
the rows of the minutes before it that never change again (executions and ended orders); where
that no longer fits, those minutes are told once more. Telling twice is harmless, losing is not.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from apps.brokers.bybit.rows import ExecutionRow, OrderRow
from apps.orders.domain.types import FillReport, OrderReport

OVERLAP_MS = 120_000
_VERSION = "1"
_NOTHING = "-"


class CursorRefused(ValueError):
    """A cursor is none that this adapter gave out."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a report stands in the stream: by time, executions first, then by id."""

    at_ms: int
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One report at its place; ``is_settled``: the venue will not change it any more."""

    place: Place
    report: OrderReport | FillReport
    is_settled: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place, and what was told of the minutes before it.

    Attributes:
        nudge: Turns where something was told that moves no place.
    """

    place: Place
    settled: str
    nudge: int = 0

    @property
    def read_from_ms(self) -> int:
        """From when on the venue has to be read to go on."""
        return max(self.place.at_ms - OVERLAP_MS, 0)

    def dump(self) -> str:
        """Return the cursor as the desk keeps it."""
        place = self.place
        fields = (_VERSION, place.at_ms, place.kind, place.name, self.settled, self.nudge)
        return "|".join(map(str, fields))


def cursor_load(written: str) -> Cursor | None:
    """Read a cursor; None: the beginning.

    Raises:
        CursorRefused: It was never given out.
    """
    if not written:
        return None
    parts = written.split("|")
    if len(parts) != 6 or parts[0] != _VERSION or not (parts[1] + parts[5]).isdigit():
        raise CursorRefused(f"cursor {written[:80]!r} was never given out; start from ''")
    return Cursor(Place(int(parts[1]), parts[2], parts[3]), parts[4], int(parts[5]))


def execution_entry(row: ExecutionRow) -> Entry:
    """Return an execution as an entry of the stream."""
    return Entry(Place(row.executed_ms, "e", row.report.trade_id), row.report, is_settled=True)


def order_entry(row: OrderRow) -> Entry:
    """Return an order as an entry; it moves on in the stream with each change."""
    place = Place(row.updated_ms, "o", row.report.venue_order_id)
    return Entry(place, row.report, is_settled=row.is_closed)


def entries_after(found: Iterable[Entry], cursor: Cursor | None) -> list[Entry]:
    """Return what is to be told next, in order; what came late is told with it."""
    entries = sorted(found, key=lambda entry: entry.place)
    if cursor is None:
        return entries
    told = [entry for entry in entries if entry.place <= cursor.place]
    fresh = [entry for entry in entries if entry.place > cursor.place]
    if _settled(told, cursor.place) == cursor.settled:
        return fresh
    again = [entry for entry in told if entry.place.at_ms > cursor.read_from_ms]
    return again + fresh


def cursor_after(
    found: Iterable[Entry], told: list[Entry], cursor: Cursor | None, *, is_nudged: bool = False
) -> str:
    """Return the cursor behind the last entry told; "" while nothing ever was."""
    places = [entry.place for entry in told] + ([cursor.place] if cursor else [])
    if not places:
        return ""
    place = max(places)
    nudge = (cursor.nudge if cursor else 0) ^ int(is_nudged)
    return Cursor(place, _settled([e for e in found if e.place <= place], place), nudge).dump()


def place_before(at_ms: int) -> str:
    """Return the cursor of a moment before which there is nothing."""
    place = Place(at_ms, _NOTHING, _NOTHING)
    return Cursor(place, _settled([], place)).dump()


def _settled(entries: Iterable[Entry], place: Place) -> str:
    """Return a digest of the settled entries in the minutes before a place."""
    first_ms = max(place.at_ms - OVERLAP_MS, 0)
    names = sorted(
        f"{entry.place.at_ms}:{entry.place.kind}{entry.place.name}"
        for entry in entries
        if entry.is_settled and entry.place.at_ms > first_ms
    )
    return hashlib.blake2b("|".join(names).encode(), digest_size=8).hexdigest()
