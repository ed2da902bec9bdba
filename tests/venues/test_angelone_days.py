"""Sessions of the exchange at the Angel One venue: after hours, the end of the day, the night."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.venues.angelone import AngelOneVenue, angelone_venue
from tests.venues.smart_orders import placed, row_of, status_of
from tests.venues.smartapi import LIMIT_ORDER, library_pointed, logged_in
from tests.venues.waiting import eventually


@pytest.fixture
def by_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AngelOneVenue]:
    """A venue that keeps India's hours; it is ten in the morning of a Wednesday."""
    settings: dict[str, Any] = {"session": "BY_CLOCK", "now": "2026-12-02T10:00:00+05:30"}
    with angelone_venue(tmp_path, rate_scale=0, tick_seconds=0.05, **settings) as venue:
        monkeypatch.chdir(tmp_path)
        library_pointed(venue, monkeypatch)
        yield venue


def test_an_order_after_hours_waits_for_the_next_session(by_clock: AngelOneVenue) -> None:
    by_clock.control("clock", now="2026-12-02T18:00:00+05:30")
    ids = placed(logged_in(by_clock), ordertag="amo-1")
    smart = logged_in(by_clock)
    assert status_of(smart, ids) == "after market order req received"
    by_clock.control("clock", now="2026-12-03T09:15:30+05:30")
    smart = logged_in(by_clock)
    eventually(lambda: status_of(smart, ids), "open")
    assert row_of(smart, ids)["ordertag"] == "amo-1"


def test_an_order_after_hours_is_changed_and_cancelled(by_clock: AngelOneVenue) -> None:
    by_clock.control("clock", now="2026-12-02T18:00:00+05:30")
    smart = logged_in(by_clock)
    ids = placed(smart)
    smart.modifyOrder({**LIMIT_ORDER, "orderid": ids["orderid"], "price": "805"})
    assert status_of(smart, ids) == "modify after market order req received"
    assert row_of(smart, ids)["price"] == 805.0
    smart.cancelOrder(ids["orderid"], "NORMAL")
    assert status_of(smart, ids) == "cancelled after market order"


def test_an_amo_waits_even_while_the_session_is_on(by_clock: AngelOneVenue) -> None:
    smart = logged_in(by_clock)
    ids = placed(smart, variety="AMO")
    by_clock.price("SBIN-EQ", 800)
    assert status_of(smart, ids) == "after market order req received"


def test_what_did_not_trade_is_cancelled_when_the_session_ends(by_clock: AngelOneVenue) -> None:
    smart = logged_in(by_clock)
    ids = placed(smart)
    eventually(lambda: status_of(smart, ids), "open")
    by_clock.control("clock", now="2026-12-02T15:30:00+05:30")
    eventually(lambda: status_of(smart, ids), "cancelled")
    assert "not executed within the day" in row_of(smart, ids)["text"]


def test_the_night_empties_the_books_and_delivers(by_clock: AngelOneVenue) -> None:
    smart = logged_in(by_clock)
    bought = [placed(smart, price="821", producttype=each) for each in ("DELIVERY", "INTRADAY")]
    eventually(lambda: [status_of(smart, ids) for ids in bought], ["complete", "complete"])
    by_clock.control("clock", now="2026-12-03T09:30:00+05:30")
    smart = logged_in(by_clock)
    assert smart.orderBook()["data"] is None
    assert smart.tradeBook()["data"] is None
    assert smart.position()["data"] is None
    held = smart.holding()["data"]
    assert [(row["tradingsymbol"], row["quantity"], row["t1quantity"]) for row in held] == [
        ("SBIN-EQ", 10, 10)
    ]
    assert smart.rmsLimit()["data"]["net"] == "9991800.0000"


def test_a_future_is_carried_over_the_night(by_clock: AngelOneVenue) -> None:
    smart = logged_in(by_clock)
    future = smart.searchScrip("NFO", "FUT")["data"][0]
    order = {
        "exchange": "NFO",
        "tradingsymbol": future["tradingsymbol"],
        "symboltoken": future["symboltoken"],
        "producttype": "CARRYFORWARD",
        "quantity": "75",
        "price": "26060",
    }
    ids = placed(smart, **order)
    eventually(lambda: status_of(smart, ids), "complete")
    by_clock.control("clock", now="2026-12-03T09:30:00+05:30")
    row = logged_in(by_clock).position()["data"][0]
    assert (row["cfbuyqty"], row["buyqty"], row["netqty"]) == ("75", "0", "75")
    assert row["cfbuyavgprice"] == "26050.00"


def test_derivatives_trade_in_lots(by_clock: AngelOneVenue) -> None:
    smart = logged_in(by_clock)
    option = smart.searchScrip("NFO", "CE")["data"][0]
    names = {name: option[name] for name in ("exchange", "tradingsymbol", "symboltoken")}
    ids = placed(smart, **names, producttype="CARRYFORWARD", quantity="10", price="150")
    eventually(lambda: status_of(smart, ids), "rejected")
    assert "lot size 75" in row_of(smart, ids)["text"]


def test_the_clock_is_kept_over_a_restart(by_clock: AngelOneVenue) -> None:
    by_clock.control("clock", now="2026-12-03T10:00:00+05:30")
    by_clock.restart()
    assert by_clock.control("state")["now"].startswith("2026-12-03T04:3")
