"""Quotes, candles, funds, holdings and charges of the Angel One venue, by the broker's client."""

import re
from typing import Any

import pytest
import requests

from tests.venues.angelone import AngelOneVenue
from tests.venues.smart_orders import placed, status_of
from tests.venues.smartapi import logged_in
from tests.venues.waiting import eventually

CANDLES = {
    "exchange": "NSE",
    "symboltoken": "3045",
    "interval": "FIFTEEN_MINUTE",
    "fromdate": "2026-11-30 09:15",
    "todate": "2026-11-30 15:30",
}


def test_books_are_null_before_anything_happens(angelone: AngelOneVenue, smart: Any) -> None:
    for read in (smart.orderBook, smart.tradeBook, smart.position, smart.holding, smart.allholding):
        assert read() == {"status": True, "message": "SUCCESS", "errorcode": "", "data": None}


def test_books_can_say_by_a_code_that_they_are_empty(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("settings", empty_as_error=True)
    reads = (smart.orderBook, smart.tradeBook, smart.holding, smart.position)
    codes = [read()["errorcode"] for read in reads]
    assert codes == ["AB1013", "AB1014", "AB1015", "AB1016"]


def test_the_instrument_master_is_text_and_paise(angelone: AngelOneVenue) -> None:
    url = f"{angelone.url}/OpenAPI_File/files/OpenAPIScripMaster.json"
    rows = requests.get(url, timeout=10).json()
    sbin = next(row for row in rows if row["symbol"] == "SBIN-EQ")
    assert (sbin["token"], sbin["exch_seg"], sbin["tick_size"]) == ("3045", "NSE", "5.000000")
    option = next(row for row in rows if row["instrumenttype"] == "OPTIDX")
    assert option["strike"] == "2500000.000000"
    assert re.fullmatch(r"[0-3]\d[A-Z]{3}20\d\d", option["expiry"])
    assert {row["exch_seg"] for row in rows} == {"NSE", "BSE", "NFO", "MCX"}


def test_symbols_are_found_by_a_part_of_them(angelone: AngelOneVenue, smart: Any) -> None:
    found = smart.searchScrip("NSE", "BANK")["data"]
    assert {row["tradingsymbol"] for row in found} == {"HDFCBANK-EQ", "ICICIBANK-EQ", "Nifty Bank"}


@pytest.mark.parametrize(
    ("mode", "fields"),
    [("LTP", 4), ("OHLC", 8), ("FULL", 23)],
)
def test_quotes_have_what_their_mode_says(
    angelone: AngelOneVenue, smart: Any, mode: str, fields: int
) -> None:
    angelone.price("SBIN-EQ", "821.50", volume=7)
    answer = smart.getMarketData(mode, {"NSE": ["3045", "0"]})["data"]
    assert answer["fetched"][0]["ltp"] == 821.5
    assert len(answer["fetched"][0]) == fields
    assert answer["unfetched"][0]["errorCode"] == "AB4018"


def test_a_quote_takes_fifty_tokens(angelone: AngelOneVenue, smart: Any) -> None:
    answer = smart.getMarketData("LTP", {"NSE": [str(number) for number in range(51)]})
    assert answer["errorcode"] == "AB1007"


def test_the_small_quote_is_served_too(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.price("SBIN-EQ", "821.50")
    assert smart.ltpData("NSE", "SBIN-EQ", "3045")["data"]["ltp"] == 821.5


def test_candles_fill_the_trading_day(angelone: AngelOneVenue) -> None:
    angelone.control("clock", now="2026-12-01T12:00:00+05:30")
    smart = logged_in(angelone)
    rows = smart.getCandleData(CANDLES)["data"]
    assert len(rows) == 25
    assert rows[0][0] == "2026-11-30T09:15:00+05:30"
    for _, first, high, low, last, volume in rows:
        assert low <= min(first, last) <= max(first, last) <= high
        assert volume > 0
    day = smart.getCandleData({**CANDLES, "interval": "ONE_DAY"})["data"]
    assert [row[0] for row in day] == ["2026-11-30T00:00:00+05:30"]
    assert (day[0][1], day[0][4]) == (rows[0][1], rows[-1][4])


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ({"interval": "ONE_MINUTE", "fromdate": "2026-11-01 09:15"}, True),
        ({"interval": "ONE_MINUTE", "fromdate": "2026-10-30 09:15"}, False),
        ({"interval": "ONE_DAY", "fromdate": "2021-06-20 09:15"}, True),
        ({"interval": "ONE_DAY", "fromdate": "2021-01-01 09:15"}, False),
        ({"interval": "TWO_MINUTE"}, False),
        ({"fromdate": "30-11-2026"}, False),
        ({"todate": "2026-11-29 09:15"}, False),
    ],
)
def test_a_request_spans_no_more_days_than_its_interval_allows(
    angelone: AngelOneVenue, smart: Any, changes: dict[str, str], is_taken: bool
) -> None:
    assert smart.getCandleData({**CANDLES, **changes})["status"] is is_taken


def test_candles_of_a_tests_own_replace_the_others(angelone: AngelOneVenue, smart: Any) -> None:
    row = ["2026-11-30T10:00:00+05:30", 1.0, 2.0, 0.5, 1.5, 10]
    angelone.control("candles", symbol="SBIN-EQ", interval="FIFTEEN_MINUTE", rows=[row])
    assert smart.getCandleData(CANDLES)["data"] == [row]


def test_open_interest_has_the_times_of_candles(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("interest", symbol="NFO:" + _future(smart), units=750)
    asked = {**CANDLES, "exchange": "NFO", "symboltoken": "35000"}
    assert smart.getOIData(asked)["data"][0] == {"time": "2026-11-30T09:15:00+05:30", "oi": 750}


def _future(smart: Any) -> str:
    symbol: str = smart.searchScrip("NFO", "FUT")["data"][0]["tradingsymbol"]
    return symbol


def test_funds_are_blocked_by_orders_and_used_by_positions(
    angelone: AngelOneVenue, smart: Any
) -> None:
    ids = placed(smart, producttype="DELIVERY")
    eventually(lambda: status_of(smart, ids), "open")
    assert smart.rmsLimit()["data"]["net"] == "9991900.0000"
    angelone.price("SBIN-EQ", 810)
    assert smart.rmsLimit()["data"]["availablecash"] == "9991900.0000"
    angelone.control("cash", amount="500000")
    assert smart.rmsLimit()["data"]["net"] == "491900.0000"


def test_a_closed_position_earns(angelone: AngelOneVenue, smart: Any) -> None:
    bought = placed(smart, price="821")
    eventually(lambda: status_of(smart, bought), "complete")
    angelone.price("SBIN-EQ", 830)
    sold = placed(smart, transactiontype="SELL", price="829")
    eventually(lambda: status_of(smart, sold), "complete")
    row = smart.position()["data"][0]
    assert (row["netqty"], row["buyqty"], row["sellqty"], row["pnl"]) == ("0", "10", "10", "100.00")
    assert smart.rmsLimit()["data"]["net"] == "10000100.0000"


def test_holdings_are_sold_and_no_more_than_those(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.control("holding", symbol="SBIN-EQ", quantity=10, average="700")
    held = smart.allholding()["data"]
    assert held["holdings"][0]["profitandloss"] == 1200.0
    assert held["totalholding"]["totalholdingvalue"] == 8200.0
    sell = {"transactiontype": "SELL", "producttype": "DELIVERY", "price": "820"}
    sold = placed(smart, **sell, quantity="10")
    eventually(lambda: status_of(smart, sold), "complete")
    refused = placed(smart, **sell, quantity="1")
    eventually(lambda: status_of(smart, refused), "rejected")


def test_a_position_is_converted(angelone: AngelOneVenue, smart: Any) -> None:
    ids = placed(smart, price="821")
    eventually(lambda: status_of(smart, ids), "complete")
    asked = {
        "exchange": "NSE",
        "symboltoken": "3045",
        "tradingsymbol": "SBIN-EQ",
        "oldproducttype": "INTRADAY",
        "newproducttype": "DELIVERY",
        "transactiontype": "BUY",
        "quantity": 10,
        "type": "DAY",
    }
    assert smart.convertPosition(dict(asked))["status"] is True
    rows = {row["producttype"]: row["netqty"] for row in smart.position()["data"]}
    assert rows == {"INTRADAY": "0", "DELIVERY": "10"}
    assert smart.convertPosition(dict(asked))["errorcode"] == "AB1017"


def test_margin_is_told_before_an_order(angelone: AngelOneVenue, smart: Any) -> None:
    position = {
        "exchange": "NSE",
        "qty": 10,
        "price": 820,
        "productType": "INTRADAY",
        "token": "3045",
        "tradeType": "BUY",
        "orderType": "LIMIT",
    }
    answer = smart.getMarginApi({"positions": [position]})["data"]
    assert answer["totalMarginRequired"] == 1640.0
    assert smart.getMarginApi({"positions": [position] * 51})["status"] is False


def test_charges_are_told_before_an_order(angelone: AngelOneVenue, smart: Any) -> None:
    order = {
        "product_type": "DELIVERY",
        "transaction_type": "BUY",
        "quantity": "10",
        "price": "800",
        "exchange": "NSE",
        "symbol_name": "SBIN-EQ",
        "token": "3045",
    }
    answer = smart.estimateCharges({"orders": [order, order]})["data"]
    one, both = answer["charges"][0], answer["summary"]
    assert both["trade_value"] == 2 * one["trade_value"] == 16000
    assert both["total_charges"] == pytest.approx(2 * one["total_charges"])
    names = ["Angel One Brokerage", "External Charges", "Taxes"]
    assert [part["name"] for part in one["breakup"]] == names
    parts = sum(part["amount"] for part in one["breakup"])
    assert parts == pytest.approx(one["total_charges"], abs=0.02)
