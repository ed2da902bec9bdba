"""ccxt.pro follows orders, trades and the market over the venue's websockets."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import ccxt.pro

from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue

PERPETUAL = "BTC/USDT:USDT"
_KINDS = ("spot", "linear", "inverse", "option")


def exchange_to(venue: BybitVenue) -> Any:
    exchange = ccxt.pro.bybit(
        {
            "apiKey": VENUE_KEY,
            "secret": VENUE_SECRET,
            "enableRateLimit": False,
            "urls": {
                "api": dict.fromkeys(("spot", "futures", "v2", "public", "private"), venue.url)
            },
            "options": {"fetchMarkets": {"types": ["spot", "linear"]}},
        }
    )
    private = f"{venue.ws_url}/v5/private"
    exchange.urls["api"]["ws"] = {
        "public": {kind: f"{venue.ws_url}/v5/public/{kind}" for kind in _KINDS},
        "private": {
            "spot": {"unified": private, "nonUnified": private},
            "contract": private,
            "usdc": private,
            "trade": f"{venue.ws_url}/v5/trade",
        },
    }
    return exchange


def run(folder: Path, story: Callable[[BybitVenue, Any], Coroutine[Any, Any, None]]) -> None:
    """Tell a story to a venue and an exchange, and close both."""

    async def told(venue: BybitVenue) -> None:
        exchange = exchange_to(venue)
        try:
            await exchange.load_markets()
            await asyncio.wait_for(story(venue, exchange), 20)
        finally:
            await exchange.close()

    with bybit_venue(folder, rate_scale=100) as venue:
        asyncio.run(told(venue))


async def watch(watched: Callable[[], Awaitable[Any]], good: Callable[[Any], bool]) -> Any:
    while True:
        found = await watched()
        if good(found):
            return found


async def subscribed(venue: BybitVenue, topic: str) -> None:
    """Wait until the venue knows of a subscription."""
    while True:
        sockets = (await asyncio.to_thread(venue.control, "state"))["sockets"]
        if any(topic in socket["topics"] for socket in sockets):
            return
        await asyncio.sleep(0.01)


async def price(venue: BybitVenue, last: int, **terms: Any) -> None:
    await asyncio.to_thread(venue.price, "BTCUSDT", last, **terms)


def test_market_is_followed(tmp_path: Path) -> None:
    async def story(venue: BybitVenue, exchange: Any) -> None:
        book = asyncio.create_task(
            watch(
                lambda: exchange.watch_order_book(PERPETUAL, 50),
                lambda found: found["bids"][0][0] == 50099 and found["asks"][0][0] == 50101,
            )
        )
        trades = asyncio.create_task(
            watch(
                lambda: exchange.watch_trades(PERPETUAL), lambda found: found[-1]["price"] == 50100
            )
        )
        ticker = asyncio.create_task(
            watch(lambda: exchange.watch_ticker(PERPETUAL), lambda found: found["last"] == 50100)
        )
        candles = asyncio.create_task(
            watch(
                lambda: exchange.watch_ohlcv(PERPETUAL, "1m"), lambda found: found[-1][4] == 50100
            )
        )
        for topic in ("orderbook.50", "publicTrade", "tickers", "kline.1"):
            await subscribed(venue, f"{topic}.BTCUSDT")
        await price(venue, 50100, bid=50099, ask=50101)
        await asyncio.gather(book, trades, ticker, candles)

    run(tmp_path, story)


def test_account_is_followed_from_order_to_fill(tmp_path: Path) -> None:
    async def story(venue: BybitVenue, exchange: Any) -> None:
        orders = asyncio.create_task(
            watch(
                lambda: exchange.watch_orders(PERPETUAL),
                lambda found: (
                    [o["status"] for o in found if o["clientOrderId"] == "c1"][-1:] == ["closed"]
                ),
            )
        )
        trades = asyncio.create_task(exchange.watch_my_trades(PERPETUAL))
        positions = asyncio.create_task(
            watch(
                lambda: exchange.watch_positions([PERPETUAL]),
                lambda found: any(p["contracts"] == 0.01 for p in found),
            )
        )
        for topic in ("order", "execution", "position"):
            await subscribed(venue, topic)
        params = {"clientOrderId": "c1"}
        await exchange.create_order(PERPETUAL, "limit", "buy", 0.01, 49000, params)
        await watch(lambda: exchange.fetch_open_orders(PERPETUAL), bool)
        await price(venue, 48900)
        await orders
        [trade] = await trades
        assert (trade["price"], trade["amount"]) == (49000, 0.01)
        await positions

    run(tmp_path, story)


def test_orders_go_over_the_socket(tmp_path: Path) -> None:
    async def story(venue: BybitVenue, exchange: Any) -> None:
        placed = await exchange.create_order_ws(PERPETUAL, "limit", "buy", 0.01, 49000)
        await watch(
            lambda: exchange.fetch_open_orders(PERPETUAL),
            lambda found: [o["id"] for o in found] == [placed["id"]],
        )
        await exchange.edit_order_ws(placed["id"], PERPETUAL, "limit", "buy", 0.02, 48000)
        await watch(
            lambda: exchange.fetch_open_orders(PERPETUAL),
            lambda found: [(o["price"], o["amount"]) for o in found] == [(48000, 0.02)],
        )
        await exchange.cancel_order_ws(placed["id"], PERPETUAL)
        await watch(lambda: exchange.fetch_open_orders(PERPETUAL), lambda found: found == [])

    run(tmp_path, story)
