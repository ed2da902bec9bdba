"""The rows of the Angel One venue beside real ones: the same fields, of the same kinds."""

import json
from typing import Any

import pytest
import requests

from tests.marketdata.shared_files import shared_file
from tests.venues.angelone import AngelOneVenue
from tests.venues.smart_feed import feed_of
from tests.venues.smart_orders import placed, status_of
from tests.venues.waiting import eventually


def real(name: str) -> Any:
    """Return a recorded payload; skip where the folder of market data is missing."""
    return json.loads(shared_file(f"payloads/angelone/{name}.json").read_text())


def shape(value: Any) -> Any:
    """Return names and kinds; whole and broken numbers are one kind."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
    )


@pytest.fixture
def books(angelone: AngelOneVenue, smart: Any) -> dict[str, dict[str, Any]]:
    """The venue's rows of a complete and of a cancelled order, and of a trade."""
    complete, cancelled = placed(smart, price="821"), placed(smart)
    eventually(lambda: status_of(smart, complete), "complete")
    eventually(lambda: status_of(smart, cancelled), "open")
    smart.cancelOrder(cancelled["orderid"], "NORMAL")
    eventually(lambda: status_of(smart, cancelled), "cancelled")
    rows = {row["status"]: row for row in smart.orderBook()["data"]}
    return {**rows, "trade": smart.tradeBook()["data"][0]}


@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_an_order_has_the_fields_of_a_real_one_in_their_order(
    books: dict[str, dict[str, Any]], status: str
) -> None:
    rows = real("orderbook_tradebook_20250825_ids_redacted")["orderbook"]
    row = next(row for row in rows if row["status"] == status)
    assert list(books[status]) == list(row)
    assert shape(books[status]) == shape(row)
    same = ("filledshares", "unfilledshares", "cancelsize")
    quantity = int(books[status]["quantity"])
    for name in same:
        assert int(books[status][name]) == int(row[name]) * quantity


def test_a_trade_has_the_fields_of_a_real_one(books: dict[str, dict[str, Any]]) -> None:
    row = real("orderbook_tradebook_20250825_ids_redacted")["tradebook"][0]
    assert list(books["trade"]) == list(row)
    assert shape(books["trade"]) == shape(row)


def test_a_quote_has_the_fields_of_a_real_one(angelone: AngelOneVenue, smart: Any) -> None:
    angelone.price("SBIN-EQ", 820, bid=819, ask=821, levels=5)
    row = real("smartapi_marketdata_full_quote_ZOMATO_20241220")["data"]
    mine = smart.getMarketData("FULL", {"NSE": ["3045"]})["data"]
    assert shape(mine["fetched"][0]) == shape(row["fetched"][0])
    assert list(mine["fetched"][0]) == list(row["fetched"][0])


def test_the_master_has_the_fields_of_the_real_one(angelone: AngelOneVenue) -> None:
    url = f"{angelone.url}/OpenAPI_File/files/OpenAPIScripMaster.json"
    mine = requests.get(url, timeout=10).json()
    rows = real("OpenAPIScripMaster_excerpt_2026")
    assert {tuple(row) for row in mine} == {tuple(row) for row in rows}
    kinds = {json.dumps(shape(row), default=str) for row in rows}
    assert {json.dumps(shape(row), default=str) for row in mine} == kinds
    real_shares = {(row["instrumenttype"], row["strike"]) for row in rows}
    assert {(row["instrumenttype"], row["strike"]) for row in mine} >= real_shares & {
        ("", "-1.000000"),
        ("AMXIDX", "0.000000"),
    }


NAMES = {  # of the recorder, and of the Python client
    "avg_traded_price": "average_traded_price",
    "vol_traded": "volume_trade_for_the_day",
    "open_price_day": "open_price_of_the_day",
    "high_price_day": "high_price_of_the_day",
    "low_price_day": "low_price_of_the_day",
    "close_price": "closed_price",
    "open_interest_change": "open_interest_change_percentage",
    "upper_circuit": "upper_circuit_limit",
    "lower_circuit": "lower_circuit_limit",
    "fiftytwo_week_high": "52_week_high_price",
    "fiftytwo_week_low": "52_week_low_price",
    "depth_twenty_buy_data": "depth_20_buy_data",
    "depth_twenty_sell_data": "depth_20_sell_data",
}


@pytest.mark.parametrize("mode", [2, 3, 4])
def test_a_packet_reads_as_a_real_tick_of_its_mode(
    angelone: AngelOneVenue, smart: Any, mode: int
) -> None:
    ticks = real("smartapi_ws2_decoded_ticks_INFY_20241220")
    tick = next(each for each in ticks if each["subscription_mode"] == str(mode))
    angelone.price("INFY-EQ", "1961.15", bid="1961.10", ask="1961.15", quantity=5, levels=20)
    with feed_of(angelone, smart, mode, [{"exchangeType": 1, "tokens": ["1594"]}]) as feed:
        mine = feed.ticks[0]
    names = {NAMES.get(name, name) for name in tick}
    assert set(mine) - {"subscription_mode_val"} == names
    if mode == 4:  # the Python client takes the time of receipt, which is empty, for the exchange's
        assert mine.pop("exchange_timestamp") == int(tick.pop("packet_received_time")) == 0
        tick.pop("exchange_timestamp")
    for name in ("last_traded_price", "exchange_timestamp", "close_price"):
        if name in tick:  # paise and milliseconds there as here
            assert len(str(mine[NAMES.get(name, name)])) == len(tick[name])
    for side in ("best_5_buy_data", "depth_twenty_buy_data"):
        if side in tick:
            prices = [int(each["price"]) for each in tick[side]]
            assert prices == sorted(prices, reverse=True)
            prices = [each["price"] for each in mine[NAMES.get(side, side)]]
            assert prices == sorted(prices, reverse=True)
            assert len(prices) == len(tick[side])
