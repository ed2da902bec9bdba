"""ccxt, a client that others wrote, places, amends, fills, cancels and reads back."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import ccxt
import pytest

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue
from tests.venues.test_bybit_pybit import until

PERPETUAL = "BTC/USDT:USDT"
SPOT = "BTC/USDT"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path, rate_scale=100) as running:
        yield running


@pytest.fixture
def exchange(venue: BybitVenue) -> Any:
    return exchange_to(venue)


def exchange_to(venue: BybitVenue, **options: Any) -> Any:
    apis = ("spot", "futures", "v2", "public", "private")
    settings = {
        "apiKey": VENUE_KEY,
        "secret": VENUE_SECRET,
        "enableRateLimit": False,
        "urls": {"api": dict.fromkeys(apis, venue.url)},
        "options": {"fetchMarkets": {"types": ["spot", "linear"]}},
    }
    found = ccxt.bybit({**settings, **options})
    found.load_markets()
    return found


def find(exchange: Any, order: dict[str, Any], status: str) -> dict[str, Any]:
    """Return an order once it has a status; it shows only some time after its acknowledgement."""

    def ask() -> dict[str, Any]:
        try:
            return dict(exchange.fetch_order(order["id"], order["symbol"], {"acknowledged": True}))
        except ccxt.OrderNotFound:
            return {"status": "not there yet"}

    return until(ask, lambda found: found["status"] == status)


def limit(exchange: Any, symbol: str, price: float = 49000, **params: Any) -> dict[str, Any]:
    placed = exchange.create_order(symbol, "limit", "buy", 0.01, price, params)
    return {**placed, "symbol": symbol}


@pytest.mark.parametrize("symbol", [PERPETUAL, SPOT])
def test_order_is_placed_amended_filled_and_read_back(
    venue: BybitVenue, exchange: Any, symbol: str
) -> None:
    order = limit(exchange, symbol, clientOrderId="cid-1")
    find(exchange, order, "open")
    exchange.edit_order(order["id"], symbol, "limit", "buy", 0.02, 49500)
    until(
        lambda: exchange.fetch_open_orders(symbol),
        lambda found: [(o["price"], o["amount"]) for o in found] == [(49500, 0.02)],
    )
    venue.price("BTCUSDT", 49400)
    filled = find(exchange, order, "closed")
    assert (filled["average"], filled["filled"], filled["remaining"]) == (49500, 0.02, 0)
    assert filled["clientOrderId"] == "cid-1"
    [trade] = exchange.fetch_my_trades(symbol)
    assert (trade["price"], trade["amount"], trade["takerOrMaker"]) == (49500, 0.02, "maker")
    assert [o["id"] for o in exchange.fetch_closed_orders(symbol)] == [order["id"]]


@pytest.mark.parametrize("symbol", [PERPETUAL, SPOT])
def test_canceled_order_is_told_from_a_filled_one(exchange: Any, symbol: str) -> None:
    order = limit(exchange, symbol)
    find(exchange, order, "open")
    exchange.cancel_order(order["id"], symbol)
    find(exchange, order, "canceled")
    assert [o["id"] for o in exchange.fetch_canceled_orders(symbol)] == [order["id"]]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(order["id"], symbol)


@pytest.mark.parametrize("symbol", [PERPETUAL, SPOT])
def test_all_orders_are_canceled_at_once(exchange: Any, symbol: str) -> None:
    orders = [limit(exchange, symbol, price) for price in (49000, 48000, 47000)]
    for order in orders:
        find(exchange, order, "open")
    exchange.cancel_all_orders(symbol)
    assert until(lambda: exchange.fetch_open_orders(symbol), lambda left: left == []) == []


def test_market_orders_open_and_close_a_position(exchange: Any) -> None:
    exchange.set_leverage(5, PERPETUAL)
    bought = exchange.create_order(PERPETUAL, "market", "buy", 0.01)
    find(exchange, {**bought, "symbol": PERPETUAL}, "closed")
    [position] = exchange.fetch_positions([PERPETUAL])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 0.01, 5)
    closed = exchange.create_order(PERPETUAL, "market", "sell", 0.01, None, {"reduceOnly": True})
    find(exchange, {**closed, "symbol": PERPETUAL}, "closed")
    assert exchange.fetch_positions([PERPETUAL])[0]["contracts"] == 0
    [history] = exchange.fetch_positions_history([PERPETUAL])
    assert history["realizedPnl"] == pytest.approx(-0.275)  # the fee of what closed


def test_spot_market_buy_spends_money_and_its_fee_is_in_coins(exchange: Any) -> None:
    bought = exchange.create_market_buy_order_with_cost(SPOT, 500)
    filled = find(exchange, {**bought, "symbol": SPOT}, "closed")
    assert (filled["filled"], filled["cost"]) == (0.01, 500)
    balance = exchange.fetch_balance()
    assert balance["BTC"]["total"] == pytest.approx(10.00999)
    assert balance["USDT"]["total"] == 999500


def test_conditional_orders_wait_for_their_price(venue: BybitVenue, exchange: Any) -> None:
    stop = exchange.create_order(
        *(PERPETUAL, "limit", "buy", 0.01, 51100),
        {"triggerPrice": 51000, "triggerDirection": "ascending"},
    )
    find(exchange, {**stop, "symbol": PERPETUAL}, "open")
    venue.price("BTCUSDT", 51050)
    find(exchange, {**stop, "symbol": PERPETUAL}, "closed")


def test_orders_in_a_batch_are_answered_one_by_one(exchange: Any) -> None:
    good = {"symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 0.01, "price": 49000}
    orders = exchange.create_orders([good, {**good, "amount": 0.01, "price": 48000}])
    for order in orders:
        find(exchange, {**order, "symbol": PERPETUAL}, "open")
    exchange.cancel_orders([order["id"] for order in orders], PERPETUAL)
    until(lambda: exchange.fetch_open_orders(PERPETUAL), lambda left: left == [])


def test_market_data_is_read(venue: BybitVenue, exchange: Any) -> None:
    venue.price("BTCUSDT", 50100, bid=50099, ask=50101)
    ticker = exchange.fetch_ticker(PERPETUAL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (50100, 50099, 50101)
    book = exchange.fetch_order_book(PERPETUAL, 5)
    assert (book["bids"][0][0], book["asks"][0][0]) == (50099, 50101)
    assert exchange.fetch_trades(PERPETUAL)[-1]["price"] == 50100
    candles = exchange.fetch_ohlcv(PERPETUAL, "1m", None, 3)
    assert [candle[4] for candle in candles][-1] == 50100
    assert [b[0] - a[0] for a, b in pairwise(candles)] == [60_000] * 2
    since = (int(time.time() * 1000) // 3_600_000 - 48) * 3_600_000
    hours = exchange.fetch_ohlcv(SPOT, "1h", since, 3)
    assert [candle[0] for candle in hours] == [since + n * 3_600_000 for n in range(3)]


def test_refusals_have_their_meaning(venue: BybitVenue, exchange: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(PERPETUAL, "limit", "buy", 300, 49000)
    with pytest.raises(ccxt.InvalidOrder, match="minimum order value"):
        exchange.create_order(PERPETUAL, "limit", "buy", 0.001, 4000)
    with pytest.raises(ccxt.AuthenticationError):
        exchange_to(venue, secret="wrong").fetch_balance()
    venue.fault("STATUS_503", endpoint="/v5/order/create")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        limit(exchange, PERPETUAL)


def test_ledger_tells_trades_and_funding(venue: BybitVenue, exchange: Any) -> None:
    bought = exchange.create_order(PERPETUAL, "market", "buy", 0.01)
    find(exchange, {**bought, "symbol": PERPETUAL}, "closed")
    venue.control("funding", symbol="BTCUSDT", rate="0.0001")
    ledger = exchange.fetch_ledger("USDT")
    assert sorted(entry["amount"] for entry in ledger) == pytest.approx([0.05, 0.275])
    assert {entry["direction"] for entry in ledger} == {"out"}
