"""What goes wrong at the Angel One venue on request, and what its journal tells afterwards."""

from typing import Any

import pytest
import requests
from SmartApi.smartExceptions import DataException

from tests.venues.angelone import AngelOneVenue, ControlRefused
from tests.venues.smart_orders import placed, row_of, status_of
from tests.venues.smartapi import LIMIT_ORDER
from tests.venues.waiting import eventually

TAGGED = {**LIMIT_ORDER, "ordertag": "tag-1"}


def tags(smart: Any) -> list[str]:
    return [row["ordertag"] for row in smart.orderBook()["data"] or []]


@pytest.mark.parametrize(
    ("kind", "more", "error", "booked"),
    [
        ("DROP_BEFORE", {}, requests.ConnectionError, []),
        ("DROP_AFTER", {}, requests.ConnectionError, ["tag-1"]),
        ("RESET", {}, requests.ConnectionError, []),
        ("EMPTY", {"accepted": True}, DataException, ["tag-1"]),
        ("EMPTY", {}, DataException, []),
        ("HTML", {"accepted": True}, DataException, ["tag-1"]),
        ("STATUS_502", {"accepted": True}, DataException, ["tag-1"]),
        ("STATUS_503", {}, DataException, []),
    ],
)
def test_an_answer_is_lost_with_the_order_or_without(
    angelone: AngelOneVenue,
    smart: Any,
    kind: str,
    more: dict[str, Any],
    error: type[Exception],
    booked: list[str],
) -> None:
    angelone.fault(kind, endpoint="placeOrder", **more)
    with pytest.raises(error):
        smart.placeOrderFullResponse(dict(TAGGED))
    assert tags(smart) == booked
    journal = angelone.journal()
    assert journal.places_by_tag() == {"tag-1": 1}
    assert journal.accepted_by_tag() == dict.fromkeys(booked, 1)


def test_a_delayed_order_is_taken_after_its_client_gave_up(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.fault("DELAY", endpoint="placeOrder", seconds=0.6, accepted=False)
    smart.timeout = 0.2
    with pytest.raises(requests.Timeout):
        smart.placeOrderFullResponse(dict(TAGGED))
    smart.timeout = 5
    assert tags(smart) == []
    eventually(lambda: tags(smart), ["tag-1"])


def test_sending_again_what_was_not_refused_is_a_blind_resend(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.fault("DROP_BEFORE", endpoint="placeOrder")
    with pytest.raises(requests.ConnectionError):
        smart.placeOrderFullResponse(dict(TAGGED))
    smart.placeOrderFullResponse(dict(TAGGED))
    assert angelone.journal().blind_resends() == ["tag-1"]


def test_a_refusal_that_came_too_late_counts_as_none(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.fault("DELAY", endpoint="placeOrder", seconds=0.5)
    smart.timeout = 0.1
    with pytest.raises(requests.Timeout):
        smart.placeOrderFullResponse({**TAGGED, "quantity": "0"})
    smart.timeout = 5
    eventually(lambda: len(list(angelone.journal().of_kind("ANSWER"))), 1)
    smart.placeOrderFullResponse(dict(TAGGED))
    assert angelone.journal().blind_resends() == ["tag-1"]


def test_requests_are_numbered_on_after_a_restart(angelone: AngelOneVenue, smart: Any) -> None:
    smart.placeOrderFullResponse(dict(TAGGED))
    angelone.restart()
    smart.orderBook()
    assert [each["number"] for each in angelone.journal().of_kind("REQUEST")] == [1, 2]


def test_sending_again_what_was_refused_is_none(angelone: AngelOneVenue, smart: Any) -> None:
    refused = smart.placeOrderFullResponse({**TAGGED, "quantity": "0"})
    assert refused["status"] is False
    smart.placeOrderFullResponse(dict(TAGGED))
    assert angelone.journal().blind_resends() == []
    assert angelone.journal().places_by_tag() == {"tag-1": 2}


def test_an_order_is_refused_after_it_was_taken(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.fault("REJECT_AFTER_ACK", endpoint="placeOrder", reason="RMS: margin shortfall")
    ids = placed(smart)
    eventually(lambda: status_of(smart, ids), "rejected")
    assert row_of(smart, ids)["text"] == "RMS: margin shortfall"


def test_an_order_trades_in_parts(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.fault("PARTIAL_FILL", endpoint="placeOrder", quantity=3, seconds=600)
    ids = placed(smart, price="821")
    eventually(lambda: row_of(smart, ids)["filledshares"], "3")
    assert (status_of(smart, ids), row_of(smart, ids)["unfilledshares"]) == ("open", "7")
    angelone.price("SBIN-EQ", 821)
    eventually(lambda: status_of(smart, ids), "complete")
    assert [trade["fillsize"] for trade in smart.tradeBook()["data"]] == ["3", "7"]
    assert len({trade["fillid"] for trade in smart.tradeBook()["data"]}) == 2


def test_the_other_part_trades_by_itself_after_a_while(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.fault("PARTIAL_FILL", endpoint="placeOrder", seconds=0.2)
    ids = placed(smart, price="821")
    eventually(lambda: status_of(smart, ids), "complete")
    assert [trade["fillsize"] for trade in smart.tradeBook()["data"]] == ["5", "5"]


@pytest.mark.parametrize(
    ("endpoint", "status"), [("modifyOrder", "not modified"), ("cancelOrder", "not cancelled")]
)
def test_a_change_that_was_taken_fails_and_the_order_works_on(
    angelone: AngelOneVenue, smart: Any, endpoint: str, status: str
) -> None:
    ids = placed(smart)
    eventually(lambda: status_of(smart, ids), "open")
    angelone.fault("REJECT_AFTER_ACK", endpoint=endpoint)
    if endpoint == "modifyOrder":
        smart.modifyOrder({**LIMIT_ORDER, "orderid": ids["orderid"], "price": "700"})
    else:
        smart.cancelOrder(ids["orderid"], "NORMAL")
    eventually(lambda: status_of(smart, ids), status)
    assert row_of(smart, ids)["price"] == 810.0
    angelone.price("SBIN-EQ", 809)
    eventually(lambda: status_of(smart, ids), "complete")


def test_the_exchange_ends_an_order_by_itself(angelone: AngelOneVenue, smart: Any) -> None:
    ids = placed(smart, ordertag="tag-2")
    eventually(lambda: status_of(smart, ids), "open")
    angelone.control("cancel", order="tag-2", text="self trade prevention")
    assert row_of(smart, ids)["status"] == "cancelled"
    assert row_of(smart, ids)["text"] == "self trade prevention"


def test_a_venue_that_is_away_refuses_connections_and_comes_back(
    angelone: AngelOneVenue, smart: Any
) -> None:
    ids = placed(smart)
    angelone.control("away", seconds=0.5)

    def answers() -> bool:
        try:
            return bool(smart.orderBook()["status"])
        except requests.ConnectionError:
            return False

    eventually(answers, wanted=False)
    eventually(answers)
    assert status_of(smart, ids) == "open"


def test_a_venue_under_maintenance_answers_with_pages(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("away", seconds=600, status=503)
    with pytest.raises(DataException):
        smart.orderBook()


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_venue_comes_up_with_what_it_had(
    angelone: AngelOneVenue, smart: Any, ending: str
) -> None:
    filled, working = placed(smart, price="821"), placed(smart, ordertag="tag-9")
    eventually(lambda: status_of(smart, filled), "complete")
    eventually(lambda: status_of(smart, working), "open")
    before = [smart.orderBook(), smart.tradeBook(), smart.position(), smart.rmsLimit()]
    port = angelone.port
    getattr(angelone, ending)()
    angelone.start()
    assert angelone.port == port
    after = [smart.orderBook(), smart.tradeBook(), smart.position(), smart.rmsLimit()]
    assert after == before
    angelone.price("SBIN-EQ", 809)
    assert status_of(smart, working) == "complete"


@pytest.mark.parametrize(("settle", "fill_price"), [(True, 810.0), (False, 805.0)])
def test_a_price_comes_after_all_that_was_taken_unless_it_should_not(
    angelone: AngelOneVenue, smart: Any, settle: bool, fill_price: float
) -> None:
    angelone.control("settings", entry_delay_ms=1000)
    ids = placed(smart)
    angelone.price("SBIN-EQ", 805, settle=settle)
    eventually(lambda: status_of(smart, ids), "complete")
    assert row_of(smart, ids)["averageprice"] == fill_price


def test_an_order_that_was_taken_before_a_kill_enters_after_it(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.control("settings", entry_delay_ms=600_000)
    ids = placed(smart)
    assert status_of(smart, ids) == "put order req received"
    angelone.restart()
    assert status_of(smart, ids) == "open"


def test_a_share_of_all_messages_goes_wrong(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("random", seed=3, share=0.3, kinds=["EMPTY", "DROP_AFTER"])
    failures = 0
    for number in range(40):
        try:
            smart.placeOrderFullResponse({**LIMIT_ORDER, "ordertag": f"tag-{number}"})
        except (requests.ConnectionError, DataException):
            failures += 1
    met = angelone.control("state")["faults"]
    assert sum(met.values()) == failures > 0
    assert angelone.journal().blind_resends() == []
    assert set(angelone.journal().places_by_tag().values()) == {1}


def test_what_is_no_control_is_refused_with_what_there_is(angelone: AngelOneVenue) -> None:
    with pytest.raises(ControlRefused, match="there are"):
        angelone.control("explode")
    with pytest.raises(ControlRefused, match="not listed"):
        angelone.price("NOTHING", 1)
    with pytest.raises(ControlRefused, match="no fault"):
        angelone.fault("EXPLODE")
    with pytest.raises(ControlRefused, match="no settings"):
        angelone.control("settings", colour="red")
