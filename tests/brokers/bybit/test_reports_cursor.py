"""The stream of reports that is made out of lists loses nothing, whatever shows up late."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.brokers.bybit.reports import (
    OVERLAP_MS,
    CursorRefused,
    Entry,
    Place,
    cursor_after,
    cursor_load,
    entries_after,
    place_before,
)
from apps.orders.domain.types import FillReport, Side

BASE_MS = 1_764_500_000_000


def entry(name: str, at_ms: int) -> Entry:
    report = FillReport(
        trade_id=name,
        client_order_id="A1",
        venue_order_id="V1",
        symbol="BYBIT:BTCUSDT.P",
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(100),
        commission=Decimal(0),
        commission_currency="USDT",
        executed_at=datetime.fromtimestamp(at_ms / 1000, UTC),
    )
    return Entry(Place(at_ms, "e", name), report, is_settled=True)


def read(entries: list[Entry], written: str) -> tuple[list[str], str]:
    cursor = cursor_load(written)
    visible = [e for e in entries if cursor is None or e.place.at_ms >= cursor.read_from_ms]
    told = entries_after(visible, cursor)
    return [item.place.name for item in told], cursor_after(visible, told, cursor)


def test_nothing_is_told_from_the_beginning_of_an_empty_stream() -> None:
    assert read([], "") == ([], "")


def test_each_entry_is_told_once_and_the_end_stays_the_end() -> None:
    entries = [entry(f"T{number}", BASE_MS + number) for number in range(5)]
    told, cursor = read(entries, "")
    assert told == ["T0", "T1", "T2", "T3", "T4"]
    assert read(entries, cursor) == ([], cursor)


def test_entries_of_the_same_millisecond_are_all_told() -> None:
    entries = [entry("B", BASE_MS), entry("C", BASE_MS)]
    _, cursor = read(entries, "")
    entries += [entry("A", BASE_MS), entry("D", BASE_MS)]
    told, cursor = read(entries, cursor)
    assert {"A", "D"} <= set(told)
    assert read(entries, cursor) == ([], cursor)


def test_entry_that_shows_up_late_is_told() -> None:
    entries = [entry("T1", BASE_MS), entry("T2", BASE_MS + 60_000)]
    _, cursor = read(entries, "")
    entries.append(entry("LATE", BASE_MS + 30_000))
    told, cursor = read(entries, cursor)
    assert "LATE" in told
    assert read(entries, cursor) == ([], cursor)


@given(
    st.lists(
        st.tuples(st.integers(0, OVERLAP_MS - 1), st.integers(0, 7)),
        unique_by=lambda item: item[0],
        max_size=30,
    )
)
def test_no_entry_is_lost_however_late_it_is_within_the_overlap(
    arrivals: list[tuple[int, int]],
) -> None:
    """Each entry has a time and the look at which it becomes visible."""
    seen: set[str] = set()
    cursor = ""
    for look in range(9):
        visible = [entry(f"T{at}", BASE_MS + at) for at, shown_at in arrivals if shown_at <= look]
        told, cursor = read(visible, cursor)
        seen.update(told)
    assert seen == {f"T{at}" for at, _ in arrivals}


def test_cursor_is_short_enough_for_the_desk_to_keep() -> None:
    _, cursor = read([entry("x" * 64, BASE_MS)], "")
    assert len(cursor) <= 200
    assert len(place_before(BASE_MS)) <= 200


@pytest.mark.parametrize("written", ["17", "1|x|e|T|d|0", "2|1|e|T|d|0", "1|1|e|T|d", "|||||"])
def test_cursor_that_was_never_given_out_is_refused(written: str) -> None:
    with pytest.raises(CursorRefused):
        cursor_load(written)
