"""The journal: whole, in order, and enough to come up again as if nothing had happened."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.venues.books import Book
from tests.venues.loopback.fields import Refusal
from tests.venues.loopback.journal import JournalInUse, JournalWriter, journal_read
from tests.venues.loopback.state import VenueState

STEPS = st.sampled_from(
    [
        "price 90 0.3",
        "price 100 0.7",
        "price 110 2.0",
        "place MARKET BUY",
        "place MARKET SELL reduce",
        "place LIMIT BUY 95",
        "place LIMIT SELL 105 post",
        "place STOP SELL 92",
        "place TAKE_PROFIT SELL 108",
        "amend",
        "cancel",
        "cancel all",
        "fault LATE",
        "fault FILL_AFTER_FINAL",
        "fault DUPLICATE",
        "release",
        "session",
    ]
)


def take_step(book: Book, number: int, step: str) -> None:
    """Do one thing that changes the venue; a refusal is as good as any other outcome."""
    words = step.split()
    actions: dict[str, Callable[[], object]] = {
        "price": lambda: book.price(words[1], liquidity=words[2]),
        "amend": lambda: book.amend(f"A{number // 2}", quantity="3"),
        "fault": lambda: book.control("fault", fault=words[1]),
        "release": lambda: book.control("release"),
        "session": lambda: book.control("session-end"),
        "place": lambda: place_step(book, number, words),
        "cancel": lambda: (
            book.venue.cancel_all("desk", {}) if "all" in words else book.cancel(f"A{number // 2}")
        ),
    }
    try:
        actions[words[0]]()
    except Refusal:
        assert words[0] in ("amend", "cancel")


def place_step(book: Book, number: int, words: list[str]) -> dict[str, object]:
    price = words[3] if len(words) > 3 else None
    prices: dict[str, object] = {}
    if words[1] == "LIMIT":
        prices = {"limit_price": price, "post_only": "post" in words}
    elif words[1] != "MARKET":
        prices = {"stop_price": price, "time_in_force": "DAY"}
    return book.place(
        f"A{number}",
        order_type=words[1],
        side=words[2],
        reduce_only="reduce" in words,
        **prices,
    )


def known(state: VenueState) -> dict[str, object]:
    return {field.name: getattr(state, field.name) for field in fields(state)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=40))
def test_venue_comes_up_from_its_journal_exactly_as_it_was(
    tmp_path: Path, steps: list[str]
) -> None:
    path = tmp_path / "any"
    path.unlink(missing_ok=True)
    book = Book(path)
    book.price("100", liquidity="1")
    for number, step in enumerate(steps):
        take_step(book, number, step)
    before = known(book.venue.recorder.state)
    book.reopen()
    assert known(book.venue.recorder.state) == before
    book.venue.journal.close()


def test_ids_go_on_after_a_restart(book: Book) -> None:
    book.price("100")
    first = book.place("A1")
    book.reopen()
    second = book.place("A2")
    assert [first["venue_order_id"], second["venue_order_id"]] == ["V000000001", "V000000002"]
    with pytest.raises(Refusal, match="used before"):
        book.place("A1")
    trades = [fill["trade_id"] for fill in book.venue.fills("desk", {"cursor": ""})["fills"]]
    assert trades == ["T000000001", "T000000002"]


def test_line_that_a_kill_tore_is_cut_off_and_its_work_goes_on(book: Book) -> None:
    book.price("100")
    book.place("A1")
    lines = book.path.read_bytes().splitlines(keepends=True)
    filled_at = next(n for n, line in enumerate(lines) if json.loads(line)["kind"] == "filled")
    book.venue.journal.close()
    book.path.write_bytes(b"".join(lines[:filled_at]) + lines[filled_at][:20])
    assert journal_read(book.path).is_torn
    book = Book(book.path)
    assert (book.status("A1"), len(book.fills())) == ("FILLED", 1)
    assert not book.journal().is_torn


def test_journal_is_written_by_one_venue_at_a_time(book: Book) -> None:
    with pytest.raises(JournalInUse, match="another venue writes"):
        JournalWriter(book.path)


def test_damage_inside_a_journal_is_an_error_and_never_a_shorter_history(tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(b'{"kind":"clock"}\nnot json\n{"kind":"clock"}\n')
    with pytest.raises(ValueError, match="line 2, is no JSON"):
        journal_read(path)
    path.write_bytes(b"[1]\n")
    with pytest.raises(ValueError, match="line 1, is no entry"):
        journal_read(path)


def test_entries_are_numbered_and_carry_both_clocks(book: Book) -> None:
    book.price("100")
    book.place()
    entries = book.journal().entries
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    moments = [entry["at_ns"] for entry in entries]
    assert moments == sorted(moments)
    assert all(entry["wall"].endswith("+00:00") for entry in entries)


def test_nothing_is_written_of_an_order_that_was_refused(book: Book) -> None:
    book.place("A0", order_type="LIMIT", limit_price="90")
    before = len(book.journal().entries)
    with pytest.raises(Refusal):
        book.place("A1", quantity="0")
    assert len(book.journal().entries) == before
