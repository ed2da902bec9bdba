"""The stream of reports: in order, page by page, and wrong in the ways that were asked for."""

import pytest

from tests.venues.books import Book
from tests.venues.loopback.fields import Refusal


@pytest.fixture(autouse=True)
def market(book: Book) -> None:
    book.price("100")


def two_step_fill(book: Book) -> None:
    """Fill an order in two halves."""
    book.price("100", liquidity="0.5")
    book.place()
    book.price("100", liquidity="0.5")


def test_stream_tells_each_step_once_and_in_order(book: Book) -> None:
    two_step_fill(book)
    assert book.stream() == ["NEW", "FILL 0.5", "PARTIALLY_FILLED", "FILL 0.5", "FILLED"]


def test_venue_may_tell_fills_without_repeating_the_state(book: Book) -> None:
    book.control("settings", reports_state_after_fill=False)
    two_step_fill(book)
    assert book.stream() == ["NEW", "FILL 0.5", "FILL 0.5"]


def test_pages_follow_each_other_without_gap_or_repetition(book: Book) -> None:
    book.control("settings", page_size=4)
    for number in range(3):
        book.place(f"A{number}")
    pages, cursor, more = [], "", True
    while more:
        page = book.venue.reports("desk", {"cursor": cursor})
        pages.append(page["reports"])
        cursor, more = page["cursor"], page["has_more"]
    assert [len(page) for page in pages] == [4, 4, 1]
    told = [(report["client_order_id"], report["type"]) for page in pages for report in page]
    assert told == [
        (f"A{number}", kind) for number in range(3) for kind in ("ORDER", "FILL", "ORDER")
    ]
    again = book.venue.reports("desk", {"cursor": cursor})
    assert (again["reports"], again["cursor"]) == ([], cursor)


def test_executions_alone_come_page_by_page(book: Book) -> None:
    book.control("settings", page_size=2)
    for number in range(3):
        book.place(f"A{number}")
    first = book.venue.fills("desk", {"cursor": ""})
    second = book.venue.fills("desk", {"cursor": first["cursor"]})
    third = book.venue.fills("desk", {"cursor": second["cursor"]})
    assert [len(page["fills"]) for page in (first, second, third)] == [2, 1, 0]
    assert third["cursor"] == second["cursor"]


@pytest.mark.parametrize("cursor", ["7", "-1", "x", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_cursor_that_was_never_given_out_is_refused(book: Book, cursor: str) -> None:
    with pytest.raises(Refusal) as refusal:
        book.venue.reports("desk", {"cursor": cursor})
    assert refusal.value.code == "CURSOR"


def test_duplicate_report_comes_twice_and_counts_once_at_the_venue(book: Book) -> None:
    book.control("fault", fault="DUPLICATE", skip=1)
    book.place()
    assert book.stream() == ["NEW", "FILL 1", "FILL 1", "FILLED"]
    assert book.order()["filled_quantity"] == "1"


def test_late_report_comes_after_the_number_of_others_that_was_asked_for(book: Book) -> None:
    book.control("fault", fault="LATE", reports=3)
    book.place("A1")
    book.place("A2")
    assert book.stream() == ["FILL 1", "FILLED", "NEW", "NEW", "FILL 1", "FILLED"]


def test_acknowledgement_can_come_after_the_fill(book: Book) -> None:
    book.control("fault", fault="ACK_AFTER_FILL")
    book.place()
    assert book.stream() == ["FILL 1", "NEW", "FILLED"]


def test_fill_can_come_after_the_cancel_that_it_crossed(book: Book) -> None:
    book.control("fault", fault="FILL_AFTER_FINAL", count=2)
    book.price("100", liquidity="0.5")
    book.place()
    assert book.stream() == ["NEW"]
    answer = book.cancel()
    assert (answer["status"], answer["filled_quantity"]) == ("CANCELED", "0.5")
    assert book.stream() == ["NEW", "CANCELED", "FILL 0.5", "PARTIALLY_FILLED"]


def test_cancelled_order_can_still_fill_whole(book: Book) -> None:
    book.control("fault", fault="CROSS_FILL")
    book.place(order_type="LIMIT", limit_price="90")
    answer = book.cancel()
    assert (answer["status"], answer["filled_quantity"]) == ("CANCELED", "0")
    assert (book.status(), book.stream()) == ("FILLED", ["NEW", "CANCELED", "FILL 1", "FILLED"])


def test_acknowledged_order_can_be_rejected_by_a_later_report(book: Book) -> None:
    book.control("fault", fault="REJECT_LATER")
    assert book.place()["status"] == "PENDING_NEW"
    assert (book.status(), book.stream()) == ("REJECTED", ["PENDING_NEW", "REJECTED"])


def test_out_of_order_reports_are_complete_and_the_same_for_the_same_seed(book: Book) -> None:
    streams = []
    for account in ("one", "two"):
        rule = {"probability": 0.5, "seed": 3, "reports": 4, "account": account}
        book.control("fault", fault="OUT_OF_ORDER", **rule)
        for number in range(20):
            terms = {"symbol": "BTCUSDT", "side": "BUY", "order_type": "MARKET", "quantity": "1"}
            book.venue.place(account, {"client_order_id": f"A{number}", **terms})
    book.control("release")
    for account in ("one", "two"):
        reports = book.venue.reports(account, {"cursor": ""})["reports"]
        told = [(report["client_order_id"], report.get("status", "FILL")) for report in reports]
        streams.append(told)
    in_order = [(f"A{n}", step) for n in range(20) for step in ("NEW", "FILL", "FILLED")]
    assert streams[0] == streams[1] != in_order
    assert sorted(streams[0]) == sorted(in_order)


def test_report_that_is_kept_back_can_be_released(book: Book) -> None:
    book.control("fault", fault="LATE", reports=1000)
    book.place()
    assert book.control("state")["held_reports"] == 1
    assert book.control("release") == {"released": 1}
    assert book.stream() == ["FILL 1", "FILLED", "NEW"]


def test_cleared_faults_happen_no_more(book: Book) -> None:
    book.control("fault", fault="DUPLICATE", count=None)
    book.control("faults-clear")
    book.place()
    assert book.stream() == ["NEW", "FILL 1", "FILLED"]


def test_fault_is_counted_skipped_and_kept_to_its_account(book: Book) -> None:
    book.control("fault", fault="REJECT_LATER", skip=1, count=2, account="desk")
    terms = {"symbol": "BTCUSDT", "side": "BUY", "order_type": "MARKET", "quantity": "1"}
    other = book.venue.place("other", {"client_order_id": "A1", **terms})
    assert other["status"] == "FILLED"
    statuses = [book.place(f"A{number}")["status"] for number in range(4)]
    assert statuses == ["FILLED", "PENDING_NEW", "PENDING_NEW", "FILLED"]


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "DUPLICATE", "endpoint": "PLACE"},
        {"fault": "DROP_AFTER", "endpoint": "STREAM"},
        {"fault": "CROSS_FILL", "endpoint": "PLACE"},
        {"fault": "ERROR_AFTER", "status": 404},
        {"fault": "DROP_AFTER", "probability": 1.5},
        {"fault": "LATE", "reports": 0},
        {"fault": "BOREDOM"},
        {"fault": "LATE", "cuont": 2},
    ],
)
def test_fault_that_cannot_happen_is_refused(book: Book, rule: dict[str, object]) -> None:
    with pytest.raises(Refusal):
        book.control("fault", **rule)


def test_forced_execution_goes_past_quantity_and_end(book: Book) -> None:
    book.place(order_type="LIMIT", limit_price="90")
    book.cancel()
    book.control("fill", account="desk", client_order_id="A1", quantity="3", price="89")
    assert (book.status(), book.order()["filled_quantity"]) == ("FILLED", "3")
