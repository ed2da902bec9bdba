"""The checker of histories finds each way in which an order can be doubled, lost or misstated."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.books import ACCOUNT, SYMBOL, Book
from tests.venues.loopback.history import (
    DeskOrder,
    Wrong,
    check_history,
    check_venue,
    venue_view,
)
from tests.venues.loopback.journal import Journal

D = Decimal
T1 = "T000000001"


@pytest.fixture
def journal(book: Book) -> Journal:
    """One order, sent, taken and filled at 100."""
    book.price("100")
    send(book)
    return book.journal()


def send(book: Book, client_order_id: str = "A1", **terms: Any) -> None:
    """Place an order as the server does: the request is written down first."""
    book.venue.heard("PLACE", ACCOUNT, {"client_order_id": client_order_id})
    book.place(client_order_id, **terms)


def a_desk_order(**changes: Any) -> DeskOrder:
    values: dict[str, Any] = {
        "account": ACCOUNT,
        "client_order_id": "A1",
        "symbol": SYMBOL,
        "side": "BUY",
        "quantity": D(1),
        "status": "FILLED",
        "filled_quantity": D(1),
        "fills": {T1: (D("1.0"), D(100))},
    }
    return DeskOrder(**{**values, **changes})


def wrongs(journal: Journal, *orders: DeskOrder) -> list[Wrong]:
    return [violation.wrong for violation in check_history(journal, orders)]


def test_history_on_which_both_sides_agree_has_no_violation(journal: Journal) -> None:
    assert check_history(journal, [a_desk_order()]) == []


def test_order_that_never_left_the_desk_is_no_violation(journal: Journal) -> None:
    for status in ("INTENT", "CANCELED", "REJECTED", "EXPIRED"):
        unsent = a_desk_order(client_order_id="A2", status=status, filled_quantity=D(0), fills={})
        assert wrongs(journal, a_desk_order(), unsent) == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"status": "UNKNOWN"}, [Wrong.UNRESOLVED]),
        ({"status": "SENDING"}, [Wrong.UNRESOLVED]),
        ({"status": "CANCELED"}, [Wrong.STATUS_DIFFERS]),
        ({"side": "SELL"}, [Wrong.TERMS_DIFFER]),
        ({"quantity": D(2)}, [Wrong.TERMS_DIFFER]),
        ({"fills": {}, "filled_quantity": D(0)}, [Wrong.FILL_MISSING]),
        ({"fills": {T1: (D(1), D(101))}}, [Wrong.FILL_DIFFERS]),
        (
            {"fills": {T1: (D(1), D(100)), "T2": (D(1), D(100))}, "filled_quantity": D(2)},
            [Wrong.FILL_INVENTED],
        ),
        ({"filled_quantity": D(2)}, [Wrong.QUANTITY_DIFFERS]),
    ],
)
def test_each_difference_is_found_and_named(
    journal: Journal, changes: dict[str, Any], wrong: list[Wrong]
) -> None:
    [violation] = check_history(journal, [a_desk_order(**changes)])
    assert [violation.wrong] == wrong
    assert (violation.account, violation.client_order_id) == (ACCOUNT, "A1")


def test_order_that_the_venue_never_took_is_lost(journal: Journal) -> None:
    lost = a_desk_order(client_order_id="A2", status="NEW", filled_quantity=D(0), fills={})
    assert wrongs(journal, a_desk_order(), lost) == [Wrong.LOST]


def test_order_that_the_desk_does_not_know_is_found_even_if_it_was_refused(book: Book) -> None:
    book.price("100")
    send(book)
    book.venue.heard("PLACE", ACCOUNT, {"client_order_id": "A2"})
    assert wrongs(book.journal()) == [Wrong.UNKNOWN_TO_DESK] * 2


def test_order_taken_twice_is_found(book: Book) -> None:
    book.control("settings", deduplication="OFF")
    send(book)
    send(book)
    [twice, again] = check_venue(book.journal())
    assert (twice.wrong, again.wrong) == (Wrong.ACCEPTED_TWICE, Wrong.SENT_AFTER_ACCEPTANCE)


def test_blind_resend_is_found_even_where_the_venue_refused_it(book: Book) -> None:
    book.price("100")
    book.control("settings", deduplication="RETURN")
    send(book)
    send(book)
    assert wrongs(book.journal(), a_desk_order()) == [Wrong.SENT_AFTER_ACCEPTANCE]


def test_second_attempt_after_one_that_never_arrived_is_no_violation(book: Book) -> None:
    book.price("100")
    book.venue.heard("PLACE", ACCOUNT, {"client_order_id": "A1"})
    send(book)
    assert check_history(book.journal(), [a_desk_order()]) == []


def test_overfill_by_the_venue_is_found(book: Book) -> None:
    book.price("100")
    book.place()
    book.control("fill", account=ACCOUNT, client_order_id="A1", quantity="1", price="100")
    assert [v.wrong for v in check_venue(book.journal())] == [Wrong.OVERFILLED]


def test_fill_that_crossed_a_cancel_is_no_violation(book: Book) -> None:
    book.control("fault", fault="CROSS_FILL")
    book.place(order_type="LIMIT", limit_price="100")
    book.cancel()
    assert check_history(book.journal(), [a_desk_order()]) == []


def test_amended_quantity_is_the_one_that_counts(book: Book) -> None:
    book.place(order_type="LIMIT", limit_price="100")
    book.amend(quantity="3")
    working = a_desk_order(quantity=D(3), status="NEW", filled_quantity=D(0), fills={})
    assert check_history(book.journal(), [working]) == []


def test_journal_that_was_tampered_with_is_found(journal: Journal) -> None:
    without = Journal(entries=journal.entries[:2] + journal.entries[3:])
    assert {violation.wrong for violation in check_venue(without)} == {Wrong.JOURNAL_BROKEN}
    trade = next(journal.of_kind("filled"))
    repeated = replace(journal, entries=(*journal.entries, {**trade, "seq": trade["seq"] + 99}))
    assert Wrong.TRADE_TWICE in [violation.wrong for violation in check_venue(repeated)]


def test_partial_fill_then_cancel_stands_as_cancelled(book: Book) -> None:
    book.price("100", liquidity="0.4")
    book.place()
    view = venue_view(book.journal())[ACCOUNT, "A1"]
    assert (view.status, view.filled_quantity) == ("PARTIALLY_FILLED", D("0.4"))
    book.cancel()
    assert venue_view(book.journal())[ACCOUNT, "A1"].status == "CANCELED"
