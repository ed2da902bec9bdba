"""How the venue's book fills, waits, triggers and ends orders."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.venues.books import Book
from tests.venues.loopback.fields import Refusal

D = Decimal


@pytest.fixture(autouse=True)
def market(book: Book) -> None:
    book.control("instrument", symbol="BTCUSDT", tick_size="0.5", lot_size="0.1")
    book.control("settings", taker_fee_bps="10", maker_fee_bps="2")
    book.price("100", bid="99.5", ask="100.5")


def test_market_order_takes_the_ask_and_pays_the_takers_fee(book: Book) -> None:
    answer = book.place()
    assert (answer["status"], book.fills()) == ("FILLED", [(D(1), D("100.5"))])
    assert book.cash() == D(1_000_000) - D("0.1005")


def test_market_order_before_any_price_waits_for_the_first(book: Book) -> None:
    book.place(symbol="ETHUSDT")
    assert book.status() == "NEW"
    book.control("price", symbol="ETHUSDT", last="7")
    assert book.fills() == [(D(1), D(7))]


def test_limit_that_crosses_takes_the_market_and_one_that_rested_gets_its_own_price(
    book: Book,
) -> None:
    book.place("A1", order_type="LIMIT", limit_price="101")
    book.place("A2", order_type="LIMIT", limit_price="99")
    assert (book.status("A1"), book.status("A2")) == ("FILLED", "NEW")
    book.price("97")
    assert book.fills() == [(D(1), D("100.5")), (D(1), D(99))]
    assert book.cash() == D(1_000_000) - D("0.1005") - D("0.0198")


@pytest.mark.parametrize(
    ("side", "order_type", "passes_by", "starts"),
    [
        ("BUY", "STOP", "104.5", "105"),
        ("SELL", "STOP", "95.5", "95"),
        ("BUY", "TAKE_PROFIT", "95.5", "95"),
        ("SELL", "TAKE_PROFIT", "104.5", "105"),
    ],
)
def test_waiting_order_starts_when_the_last_price_touches_its_trigger(
    book: Book, side: str, order_type: str, passes_by: str, starts: str
) -> None:
    book.place(side=side, order_type=order_type, stop_price=starts)
    book.price(passes_by)
    assert (book.status(), book.fills()) == ("NEW", [])
    book.price(starts)
    assert (book.status(), book.fills()) == ("FILLED", [(D(1), D(starts))])


def test_stop_limit_rests_at_its_limit_once_triggered(book: Book) -> None:
    book.place(side="SELL", order_type="STOP_LIMIT", stop_price="95", limit_price="94.5")
    book.price("93")
    assert (book.status(), book.fills()) == ("NEW", [])
    book.price("96")
    assert book.fills() == [(D(1), D("94.5"))]


def test_stop_whose_trigger_has_passed_starts_at_once_or_is_refused_as_the_venue_is_set(
    book: Book,
) -> None:
    book.place("A1", order_type="STOP", stop_price="99")
    assert book.status("A1") == "FILLED"
    book.control("settings", refuses_crossed_stops=True)
    with pytest.raises(Refusal) as refusal:
        book.place("A2", order_type="STOP", stop_price="99")
    assert (refusal.value.code, book.open_ids()) == ("CROSSED_STOP", [])


def test_liquidity_fills_in_parts_from_price_to_price(book: Book) -> None:
    book.price("100", liquidity="0.4")
    book.place()
    assert (book.status(), book.order()["filled_quantity"]) == ("PARTIALLY_FILLED", "0.4")
    book.place("A2")
    assert book.fills() == [(D("0.4"), D(100))]
    book.price("101", liquidity="0.7")
    assert book.status("A1") == "FILLED"
    assert book.fills() == [(D("0.4"), D(100)), (D("0.6"), D(101)), (D("0.1"), D(101))]


def test_levels_are_taken_nearest_first_up_to_the_limit(book: Book) -> None:
    book.price("100", liquidity="1", levels=3)
    book.place(order_type="LIMIT", limit_price="100.5", quantity="5")
    assert book.fills() == [(D(1), D(100)), (D(1), D("100.5"))]
    assert book.order()["filled_quantity"] == "2"


def test_accounts_do_not_take_each_others_liquidity(book: Book) -> None:
    book.price("100", liquidity="1")
    book.place()
    terms = {"symbol": "BTCUSDT", "side": "BUY", "order_type": "MARKET", "quantity": "1"}
    other = book.venue.place("other", {"client_order_id": "A1", **terms})
    assert other["status"] == "FILLED"


def test_immediate_or_cancel_keeps_what_filled_and_ends(book: Book) -> None:
    book.price("100", liquidity="0.4")
    assert book.place(time_in_force="IOC")["status"] == "CANCELED"
    assert book.fills() == [(D("0.4"), D(100))]


def test_fill_or_kill_fills_whole_or_not_at_all(book: Book) -> None:
    book.price("100", liquidity="0.5", levels=2)
    assert book.place("A1", time_in_force="FOK", quantity="1.1")["status"] == "CANCELED"
    assert book.fills() == []
    assert book.place("A2", time_in_force="FOK")["status"] == "FILLED"


def test_rest_of_a_market_order_is_cancelled_where_the_venue_does_so(book: Book) -> None:
    book.control("settings", cancels_market_rest=True)
    book.price("100", liquidity="0.4")
    assert book.place()["status"] == "CANCELED"


def test_good_till_date_order_expires_when_its_date_has_come(book: Book) -> None:
    book.control("clock", now="2026-01-01T00:00:00+00:00")
    end = "2026-01-01T01:00:00+00:00"
    book.place(order_type="LIMIT", limit_price="90", time_in_force="GTD", expires_at=end)
    book.control("clock", now="2026-01-01T00:59:59+00:00")
    assert book.status() == "NEW"
    book.control("clock", now=end)
    assert book.status() == "EXPIRED"
    book.price("80")
    assert book.fills() == []


def test_good_till_date_order_needs_a_date_to_come(book: Book) -> None:
    past = "2020-01-01T00:00:00+00:00"
    for terms in ({}, {"expires_at": past}):
        with pytest.raises(Refusal) as refusal:
            book.place(order_type="LIMIT", limit_price="90", time_in_force="GTD", **terms)
        assert refusal.value.code == "EXPIRY"


def test_order_for_the_day_ends_with_the_session_and_others_stay(book: Book) -> None:
    book.place("A1", order_type="LIMIT", limit_price="90", time_in_force="DAY")
    book.place("A2", order_type="LIMIT", limit_price="90")
    assert book.control("session-end") == {"expired": 1}
    assert (book.status("A1"), book.open_ids()) == ("EXPIRED", ["A2"])


def test_post_only_order_never_takes_liquidity(book: Book) -> None:
    crossing = book.place("A1", order_type="LIMIT", limit_price="100.5", post_only=True)
    resting = book.place("A2", order_type="LIMIT", limit_price="100", post_only=True)
    assert (crossing["status"], resting["status"]) == ("CANCELED", "NEW")
    assert book.amend("A2", limit_price="101")["status"] == "CANCELED"
    assert book.fills() == []


def test_post_only_market_order_is_refused(book: Book) -> None:
    with pytest.raises(Refusal, match="only a limit order"):
        book.place(post_only=True)


def test_reduce_only_order_closes_and_never_turns(book: Book) -> None:
    assert book.place("A0", side="SELL", reduce_only=True)["status"] == "CANCELED"
    book.place("A1")
    answer = book.place("A2", side="SELL", quantity="3", reduce_only=True)
    assert (answer["status"], answer["filled_quantity"], book.held()) == ("CANCELED", "1", D(0))


def test_two_reduce_only_exits_never_close_more_than_is_held(book: Book) -> None:
    book.place("A1")
    book.place("SL", side="SELL", order_type="STOP", stop_price="95", reduce_only=True)
    book.place("TP", side="SELL", order_type="LIMIT", limit_price="105", reduce_only=True)
    book.price("106")
    book.price("94")
    assert (book.status("TP"), book.status("SL"), book.held()) == ("FILLED", "CANCELED", D(0))


def test_position_averages_keeps_and_turns_and_cash_moves_by_results(book: Book) -> None:
    book.control("settings", taker_fee_bps="0", maker_fee_bps="0")
    for number, (price, side, quantity) in enumerate(
        [("100", "BUY", "1"), ("103", "BUY", "2"), ("110", "SELL", "1"), ("90", "SELL", "5")]
    ):
        book.price(price)
        book.place(f"P{number}", side=side, quantity=quantity)
    [position] = book.venue.positions("desk", {})["positions"]
    assert (position["quantity"], D(position["average_entry_price"])) == ("-3", D(90))
    assert book.cash() == D(1_000_000) + 8 - 24


def test_what_is_not_a_perpetual_pays_its_price(book: Book) -> None:
    book.control("instrument", symbol="BTCUSDT", is_perpetual=False, multiplier="2")
    book.control("settings", taker_fee_bps="0")
    book.price("50")
    book.place(quantity="3")
    assert book.cash() == D(1_000_000) - 300


def test_amendment_changes_price_and_size_and_meets_the_market_again(book: Book) -> None:
    book.place(order_type="LIMIT", limit_price="90", quantity="1")
    assert book.amend(quantity="2", limit_price="91")["limit_price"] == "91"
    answer = book.amend(limit_price="101")
    assert (answer["status"], book.fills()) == ("FILLED", [(D(2), D("100.5"))])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "0.4"}, "QUANTITY"),
        ({"quantity": "0.55"}, "LOT"),
        ({"limit_price": "90.3"}, "TICK"),
    ],
)
def test_amendment_that_is_refused_leaves_the_order_as_it_was(
    book: Book, changes: dict[str, str], code: str
) -> None:
    book.price("100", liquidity="0.4")
    before = book.place(order_type="LIMIT", limit_price="101")
    with pytest.raises(Refusal) as refusal:
        book.amend(**changes)
    assert (refusal.value.code, book.order()) == (code, before)


def test_closed_order_is_not_amended(book: Book) -> None:
    book.place()
    with pytest.raises(Refusal) as refusal:
        book.amend(quantity="2")
    assert refusal.value.code == "NOT_OPEN"


def test_cancelling_again_tells_where_the_order_stands(book: Book) -> None:
    book.place("A1", order_type="LIMIT", limit_price="90")
    book.place("A2")
    assert [book.cancel("A1")["status"] for _ in range(2)] == ["CANCELED"] * 2
    assert book.cancel("A2")["status"] == "FILLED"
    with pytest.raises(Refusal) as refusal:
        book.cancel("A3")
    assert (refusal.value.code, refusal.value.status) == ("NOT_FOUND", 404)


def test_cancel_all_may_leave_some_out_and_the_same_seed_leaves_the_same(
    book: Book, tmp_path: Path
) -> None:
    batches = []
    for path in (tmp_path / "one", tmp_path / "two"):
        book = Book(path)
        book.control("settings", cancel_all_batch=3, seed=7)
        for number in range(8):
            book.place(f"L{number}", order_type="LIMIT", limit_price="90")
        answers = [book.venue.cancel_all("desk", {"symbol": None}) for _ in range(4)]
        assert [answer["count"] for answer in answers] == [3, 3, 2, 0]
        batches.append([answer["orders"] for answer in answers])
    assert batches[0] == batches[1]
    assert batches[0][0] != ["L0", "L1", "L2"]


def test_cancel_all_of_one_symbol_leaves_the_others(book: Book) -> None:
    book.place("A1", order_type="LIMIT", limit_price="90")
    book.place("A2", symbol="ETHUSDT", order_type="LIMIT", limit_price="90")
    assert book.venue.cancel_all("desk", {"symbol": "BTCUSDT"})["count"] == 1
    assert book.open_ids() == ["A2"]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"quantity": "0.15"}, "LOT"),
        ({"quantity": "0"}, "LOT"),
        ({"quantity": "-1"}, "LOT"),
        ({"quantity": "NaN"}, "FIELD"),
        ({"quantity": 1}, "FIELD"),
        ({"side": "HOLD"}, "FIELD"),
        ({"order_type": "LIMIT"}, "PRICE"),
        ({"order_type": "STOP"}, "PRICE"),
        ({"order_type": "STOP_LIMIT", "stop_price": "95"}, "PRICE"),
        ({"order_type": "LIMIT", "limit_price": "100.3"}, "TICK"),
        ({"order_type": "TRAILING_STOP"}, "FIELD"),
        ({"leverage": "5"}, "FIELD"),
        ({"expires_at": "2026-01-01T00:00:00"}, "FIELD"),
    ],
)
def test_order_against_the_rules_is_refused_and_nothing_is_kept(
    book: Book, terms: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        book.place(**terms)
    assert (refusal.value.code, book.open_ids(), book.reports()) == (code, [], [])


@pytest.mark.parametrize(
    ("settings", "terms", "code"),
    [
        ({"order_types": ["MARKET"]}, {"order_type": "LIMIT", "limit_price": "90"}, "ORDER_TYPE"),
        ({"times_in_force": ["GTC"]}, {"time_in_force": "IOC"}, "TIME_IN_FORCE"),
        (
            {"post_only": False},
            {"order_type": "LIMIT", "limit_price": "90", "post_only": True},
            "POST_ONLY",
        ),
        ({"strict_symbols": True}, {"symbol": "NOWHERE"}, "SYMBOL"),
    ],
)
def test_what_the_venue_does_not_offer_is_refused(
    book: Book, settings: dict[str, Any], terms: dict[str, Any], code: str
) -> None:
    book.control("settings", **settings)
    with pytest.raises(Refusal) as refusal:
        book.place(**terms)
    assert (refusal.value.code, book.open_ids()) == (code, [])


def test_venue_without_amendments_refuses_them(book: Book) -> None:
    book.control("settings", amends=False)
    book.place(order_type="LIMIT", limit_price="90")
    with pytest.raises(Refusal) as refusal:
        book.amend(quantity="2")
    assert refusal.value.code == "AMEND"


def test_second_order_with_an_id_is_refused_returned_or_taken_as_the_venue_is_set(
    book: Book,
) -> None:
    first = book.place()
    with pytest.raises(Refusal) as refusal:
        book.place()
    assert refusal.value.code == "DUPLICATE_ID"
    book.control("settings", deduplication="RETURN")
    assert book.place()["venue_order_id"] == first["venue_order_id"]
    assert len(book.fills()) == 1
    book.control("settings", deduplication="OFF")
    assert book.place()["venue_order_id"] != first["venue_order_id"]
    assert len(book.fills()) == 2


def test_settings_that_are_not_named_stay_and_misspelt_ones_are_refused(book: Book) -> None:
    book.control("settings", cancel_all_batch=5)
    assert book.control("settings", amends=False)["cancel_all_batch"] == 5
    with pytest.raises(Refusal, match="unknown fields: ammends"):
        book.control("settings", ammends=True)
    assert book.control("settings", cancel_all_batch=None)["cancel_all_batch"] is None
