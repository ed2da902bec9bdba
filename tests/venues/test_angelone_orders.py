"""Orders at the Angel One venue, by the broker's own client library as it is shipped."""

from typing import Any

import pytest

from tests.venues.angelone import AngelOneVenue
from tests.venues.smart_orders import placed, row_of, status_of
from tests.venues.smartapi import LIMIT_ORDER
from tests.venues.waiting import eventually


def test_an_order_is_placed_modified_and_filled(angelone: AngelOneVenue, smart: Any) -> None:
    ids = placed(smart, ordertag="tag-1")
    eventually(lambda: status_of(smart, ids), "open")
    changed = smart.modifyOrder({**LIMIT_ORDER, "orderid": ids["orderid"], "price": "815"})
    assert changed["data"]["orderid"] == ids["orderid"]
    eventually(lambda: row_of(smart, ids)["price"], 815.0)
    angelone.price("SBIN-EQ", "814.50")
    row = row_of(smart, ids)
    assert (row["status"], row["filledshares"], row["averageprice"]) == ("complete", "10", 815.0)
    assert row["ordertag"] == "tag-1"
    trade = smart.tradeBook()["data"][0]
    assert (trade["orderid"], trade["fillsize"], trade["fillprice"]) == (
        ids["orderid"],
        "10",
        815.0,
    )
    position = smart.position()["data"][0]
    assert (position["netqty"], position["netvalue"]) == ("10", "- 8150.00")


def test_an_order_is_cancelled(angelone: AngelOneVenue, smart: Any) -> None:
    ids = placed(smart)
    eventually(lambda: status_of(smart, ids), "open")
    assert smart.cancelOrder(ids["orderid"], "NORMAL")["status"] is True
    eventually(lambda: status_of(smart, ids), "cancelled")
    assert row_of(smart, ids)["cancelsize"] == "10"
    refused = smart.cancelOrder(ids["orderid"], "NORMAL")
    assert refused["status"] is False


def test_the_answer_to_a_placement_does_not_mean_acceptance(
    angelone: AngelOneVenue, smart: Any
) -> None:
    ids = placed(smart, quantity="1000000", producttype="DELIVERY")
    eventually(lambda: status_of(smart, ids), "rejected")
    assert "Insufficient Funds" in row_of(smart, ids)["text"]


def test_a_stop_waits_for_its_trigger_and_then_for_its_limit(
    angelone: AngelOneVenue, smart: Any
) -> None:
    ids = placed(
        smart,
        variety="STOPLOSS",
        ordertype="STOPLOSS_LIMIT",
        transactiontype="SELL",
        triggerprice="815",
        price="814",
    )
    eventually(lambda: status_of(smart, ids), "trigger pending")
    angelone.price("SBIN-EQ", "813")
    eventually(lambda: status_of(smart, ids), "open")
    angelone.price("SBIN-EQ", "814")
    eventually(lambda: status_of(smart, ids), "complete")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"variety": "FUNNY"}, "AB1008"),
        ({"variety": "ROBO"}, "AB2002"),
        ({"producttype": "FUNNY"}, "AB1012"),
        ({"symboltoken": "1"}, "AB1009"),
        ({"symboltoken": ""}, "AB1007"),
        ({"ordertag": "t" * 21}, "AB4008"),
        ({"ordertype": "MARKET"}, "AB1007"),
        ({"duration": "IOC"}, "AB1007"),
        ({"quantity": "0"}, "AB1007"),
        ({"price": "none"}, "AB1007"),
    ],
)
def test_what_the_gateway_refuses_leaves_no_order(
    angelone: AngelOneVenue, smart: Any, changes: dict[str, str], code: str
) -> None:
    answer = smart.placeOrderFullResponse({**LIMIT_ORDER, **changes})
    assert (answer["status"], answer["errorcode"]) == (False, code)
    assert smart.orderBook()["data"] is None


def test_a_tag_of_twenty_characters_is_echoed_and_not_told_apart(
    angelone: AngelOneVenue, smart: Any
) -> None:
    tag = "t" * 20
    placed(smart, ordertag=tag)
    placed(smart, ordertag=tag)
    assert [row["ordertag"] for row in smart.orderBook()["data"]] == [tag, tag]
    assert angelone.journal().accepted_by_tag() == {tag: 2}
    assert angelone.journal().blind_resends() == [tag]
