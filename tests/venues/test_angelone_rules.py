"""Good-till-triggered rules at the Angel One venue, by the broker's client and by the documents."""

from typing import Any

import pytest
import requests

from tests.venues.angelone import VENUE_KEY, AngelOneVenue
from tests.venues.waiting import eventually

RULE = {
    "tradingsymbol": "SBIN-EQ",
    "symboltoken": "3045",
    "exchange": "NSE",
    "transactiontype": "BUY",
    "producttype": "DELIVERY",
    "price": "801",
    "qty": "5",
    "triggerprice": "800",
    "disclosedqty": "5",
}


def rule_status(smart: Any, number: str) -> str:
    status: str = smart.gttDetails(number)["data"]["status"]
    return status


def test_a_rule_is_made_changed_listed_and_cancelled(angelone: AngelOneVenue, smart: Any) -> None:
    number = smart.gttCreateRule(dict(RULE))
    assert smart.gttModifyRule({**RULE, "id": number, "price": "802"}) == number
    details = smart.gttDetails(number)["data"]
    assert (details["price"], details["status"], details["id"]) == ("802", "NEW", number)
    assert [row["id"] for row in smart.gttLists(["FORALL"], 1, 10)["data"]] == [number]
    cancel = {"id": number, "symboltoken": "3045", "exchange": "NSE"}
    assert smart.gttCancelRule(cancel)["data"]["id"] == number
    assert rule_status(smart, number) == "CANCELLED"
    assert smart.gttLists(["NEW"], 1, 10)["data"] == []


def test_a_rule_becomes_an_order_once_its_price_is_there(
    angelone: AngelOneVenue, smart: Any
) -> None:
    number = smart.gttCreateRule(dict(RULE))
    angelone.price("SBIN-EQ", 805)
    assert rule_status(smart, number) == "NEW"
    angelone.price("SBIN-EQ", 799)
    assert rule_status(smart, number) == "SENTTOEXCHANGE"
    eventually(lambda: smart.orderBook()["data"][0]["status"], "complete")
    row = smart.orderBook()["data"][0]
    assert (row["price"], row["quantity"], row["averageprice"]) == (801.0, "5", 799.0)


@pytest.mark.parametrize("prefix", ["", "/gtt-service"])
def test_rules_are_served_where_the_client_and_where_the_documents_say(
    angelone: AngelOneVenue, smart: Any, prefix: str
) -> None:
    headers = {"Authorization": f"Bearer {smart.access_token}", "X-PrivateKey": VENUE_KEY}
    url = f"{angelone.url}{prefix}/rest/secure/angelbroking/gtt/v1/createRule"
    answer = requests.post(url, json=RULE, headers=headers, timeout=5).json()
    assert answer["data"] == {"id": "1"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"qty": "0"}, "AB9006"),
        ({"price": "0"}, "AB9008"),
        ({"triggerprice": ""}, "AB9009"),
        ({"producttype": "INTRADAY"}, "AB1012"),
        ({"exchange": "NFO"}, "AB1009"),
    ],
)
def test_what_is_no_rule_is_refused(
    angelone: AngelOneVenue, smart: Any, changes: dict[str, str], code: str
) -> None:
    answer = smart._postRequest("api.gtt.create", {**RULE, **changes})
    assert answer["errorcode"] == code
    with pytest.raises(TypeError):  # the library reads the id of a refusal
        smart.gttCreateRule({**RULE, **changes})


def test_an_unknown_rule_is_refused(angelone: AngelOneVenue, smart: Any) -> None:
    assert smart.gttDetails("77")["errorcode"] == "AB9013"


def test_rules_outlive_a_restart(angelone: AngelOneVenue, smart: Any) -> None:
    number = smart.gttCreateRule(dict(RULE))
    angelone.restart()
    angelone.price("SBIN-EQ", 799)
    assert rule_status(smart, number) == "SENTTOEXCHANGE"
