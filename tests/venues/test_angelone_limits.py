"""Rates and addresses at the Angel One venue: who asks too often or from elsewhere is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from SmartApi.smartExceptions import DataException

from tests.venues.angelone import VENUE_CLIENT_CODE, VENUE_KEY, AngelOneVenue, angelone_venue
from tests.venues.angelone.limits import RATES, WRITES, RateLimits
from tests.venues.smart_orders import placed
from tests.venues.smartapi import LIMIT_ORDER, library_pointed, logged_in

SECURE = "/rest/secure/angelbroking"


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AngelOneVenue]:
    """A venue that counts the documented rates."""
    with angelone_venue(tmp_path) as venue:
        monkeypatch.chdir(tmp_path)
        library_pointed(venue, monkeypatch)
        yield venue


def test_a_request_too_many_is_answered_by_a_403_that_is_no_json(
    counting: AngelOneVenue,
) -> None:
    smart = logged_in(counting)
    headers = {"Authorization": f"Bearer {smart.access_token}", "X-PrivateKey": VENUE_KEY}
    url = f"{counting.url}{SECURE}/order/v1/getOrderBook"
    answers = [requests.get(url, headers=headers, timeout=5) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 403]
    assert answers[1].text == "Access denied because of exceeding access rate"
    with pytest.raises(DataException, match="exceeding access rate"):
        smart.orderBook()


def test_order_writes_share_nine_in_a_second() -> None:
    limits = RateLimits(1.0)
    taken = [limits.takes("A1", WRITES[number % 3]) for number in range(12)]
    assert taken == [True] * 9 + [False] * 3
    assert limits.takes("B2", "placeOrder")


def test_a_refused_request_does_not_count() -> None:
    limits = RateLimits(1.0)
    assert [limits.takes("A1", "getRMS") for _ in range(4)] == [True, True, False, False]


def test_candles_and_open_interest_share_their_rate() -> None:
    limits = RateLimits(1.0)
    names = ("getCandleData", "getOIData", "getCandleData", "getOIData")
    assert [limits.takes("A1", name) for name in names] == [True, True, True, False]


def test_a_scale_widens_the_rates_and_zero_counts_nothing() -> None:
    wide, none = RateLimits(2.0), RateLimits(0)
    assert sum(wide.takes("A1", "getOrderBook") for _ in range(9)) == 2
    assert sum(none.takes("A1", "getOrderBook") for _ in range(9)) == 9


def test_the_rates_are_the_documented_ones() -> None:
    per_second = {name: rates[0][0] for name, rates in RATES.items()}
    assert per_second["placeOrder"] == per_second["modifyOrder"] == 9
    assert per_second["getOrderBook"] == per_second["getTradeBook"] == 1
    assert (per_second["getRMS"], per_second["getProfile"]) == (2, 3)
    assert (per_second["quote"], per_second["getCandleData"]) == (10, 3)
    assert RATES["placeOrder"] == ((9, 1.0), (500, 60.0), (1000, 3600.0))


def test_writes_from_an_unregistered_address_are_refused_and_reads_are_not(
    angelone: AngelOneVenue, smart: Any
) -> None:
    ids = placed(smart)
    angelone.control("settings", registered_ips=["203.0.113.7"])
    change = {**LIMIT_ORDER, "orderid": ids["orderid"]}
    refused = [
        smart.placeOrderFullResponse(dict(LIMIT_ORDER)),
        smart.modifyOrder(change),
        smart.cancelOrder(ids["orderid"], "NORMAL"),
    ]
    assert [answer["errorCode"] for answer in refused] == ["AG7002"] * 3
    assert [answer["success"] for answer in refused] == [False] * 3
    assert len(smart.orderBook()["data"]) == 1
    assert smart.rmsLimit()["status"] is True
    angelone.control("settings", registered_ips=["127.0.0.1"])
    assert smart.cancelOrder(ids["orderid"], "NORMAL")["status"] is True


def test_market_and_ioc_orders_are_taken_where_the_switch_says_so(
    angelone: AngelOneVenue, smart: Any
) -> None:
    angelone.control("settings", market_and_ioc=True)
    placed(smart, ordertype="MARKET", price="0")
    ids = placed(smart, duration="IOC", price="700")
    assert ids["orderid"].endswith("2")


def test_a_surveilled_symbol_wants_consent(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("settings", cautionary=["SBIN-EQ"])
    assert smart.placeOrderFullResponse(dict(LIMIT_ORDER))["errorcode"] == "AB4036"
    placed(smart, scripconsent="yes")


def test_a_get_carries_its_parameters_as_one_json_text(angelone: AngelOneVenue, smart: Any) -> None:
    headers = {"Authorization": f"Bearer {smart.access_token}", "X-PrivateKey": VENUE_KEY}
    url = f"{angelone.url}{SECURE}/user/v1/getProfile?%7B%22refreshToken%22%3A%20%22x%22%7D"
    answer = requests.get(url, headers=headers, timeout=5).json()
    assert answer["data"]["clientcode"] == VENUE_CLIENT_CODE
    broken = requests.get(f"{url}nonsense", headers=headers, timeout=5).json()
    assert broken["status"] is False
