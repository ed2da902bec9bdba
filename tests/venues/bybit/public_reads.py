"""What anybody may ask: time, instruments, candles, tickers, books, trades, funding."""

from collections.abc import Callable, Iterator, Mapping

from tests.venues.bybit.candles import Candle, closes_at, opened_at
from tests.venues.bybit.instruments import LAUNCH_MS, Instrument
from tests.venues.bybit.market import Market
from tests.venues.bybit.replies import Refusal, Row, limit_read, places
from tests.venues.bybit.venue import Venue

Params = Mapping[str, str]


def server_time(venue: Venue, params: Params) -> Row:
    now = venue.now_ms()
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


def instruments(venue: Venue, params: Params) -> Row:
    return venue.listing.rows(params)


def kline(venue: Venue, params: Params) -> Row:
    """Return candles newest first, the open one included.

    With a start, the ``limit`` candles that follow it, else those up to the end.
    """
    market = _market(venue, params, usual="linear")
    limit = limit_read(params, usual=200, most=1000)
    interval, now = params.get("interval", ""), venue.now_ms()
    start, end = (_time(params, name) for name in ("start", "end"))
    opened_at(interval, now)  # refuses unknown ones
    last = min(now, now if end is None else end)
    if start is not None and end is None:
        found = list(_following(market, interval, start, now_ms=now, count=limit))
    else:
        found = _up_to(market, interval, last, start=start, now_ms=now, count=limit)
    return {
        "symbol": market.instrument.symbol,
        "category": market.instrument.category,
        "list": [candle.row() for candle in sorted(found, key=lambda c: -c.open_ms)],
    }


def tickers(venue: Venue, params: Params) -> Row:
    category = params.get("category", "")
    if category not in ("linear", "spot", "inverse", "option"):
        raise Refusal(10001, "params error: Category Invalid")
    symbol = params.get("symbol")
    if symbol:
        venue.listing.get(category, symbol)
    rows = [
        venue.market(listed).ticker(at_ms=venue.now_ms())
        for listed in venue.listing
        if listed.category == category
        and listed.status == "Trading"
        and symbol in (None, "", listed.symbol)
    ]
    return {"category": category, "list": rows}


def orderbook(venue: Venue, params: Params) -> Row:
    market = _market(venue, params)
    spot = not market.instrument.is_linear
    limit = limit_read(params, usual=1 if spot else 25, most=1000)
    return book_row(venue, market, limit)


def book_row(venue: Venue, market: Market, levels: int) -> Row:
    """Return a book as REST shows it."""
    bids, asks = market.depth(levels)
    now = venue.now_ms()
    return {
        "s": market.instrument.symbol,
        "b": bids,
        "a": asks,
        "ts": now,
        "u": market.update,
        "seq": venue.sequence,
        "cts": now,
    }


def price_limit(venue: Venue, params: Params) -> Row:
    market = _market(venue, params, usual="linear")
    listed, band = market.instrument, venue.settings.price_band
    return {
        "symbol": listed.symbol,
        "buyLmt": places(market.last * (1 + band), listed.tick),
        "sellLmt": places(market.last * (1 - band), listed.tick),
        "ts": str(venue.now_ms()),
    }


def recent_trades(venue: Venue, params: Params) -> Row:
    market = _market(venue, params)
    most = 1000 if market.instrument.is_linear else 60
    limit = limit_read(params, usual=min(500, most), most=1000)
    rows = list(reversed(market.trades[-min(limit, most) :]))
    return {"category": market.instrument.category, "list": rows}


def funding_history(venue: Venue, params: Params) -> Row:
    market = _market(venue, params)
    if not market.instrument.is_linear:
        raise Refusal(10001, "params error: Category Invalid")
    limit = limit_read(params, usual=200, most=200)
    start, end = _time(params, "startTime"), _time(params, "endTime")
    if start is not None and end is None:
        raise Refusal(10001, "params error: startTime without endTime")
    rows = [
        row
        for row in reversed(market.fundings)
        if (start is None or int(row["fundingRateTimestamp"]) >= start)
        and (end is None or int(row["fundingRateTimestamp"]) <= end)
    ]
    return {"category": "linear", "list": rows[:limit]}


def _market(venue: Venue, params: Params, *, usual: str = "") -> Market:
    category = params.get("category") or usual
    if category not in ("linear", "spot"):
        raise Refusal(10001, "params error: Category Invalid")
    return venue.market(_listed(venue, category, params))


def _listed(venue: Venue, category: str, params: Params) -> Instrument:
    return venue.listing.get(category, params.get("symbol", ""))


def _time(params: Params, name: str) -> int | None:
    given = params.get(name)
    if not given:
        return None
    if not given.isdigit():
        raise Refusal(10001, f"params error: {name} invalid")
    return int(given)


def _following(
    market: Market, interval: str, start: int, *, now_ms: int, count: int
) -> Iterator[Candle]:
    start = max(start, LAUNCH_MS)
    open_ms = opened_at(interval, start)
    if open_ms < start:
        open_ms = closes_at(interval, open_ms)
    for _ in range(count):
        if open_ms > now_ms:
            return
        yield market.tape.candle(interval, open_ms, now_ms=now_ms)
        open_ms = closes_at(interval, open_ms)


def _up_to(
    market: Market, interval: str, last: int, *, start: int | None, now_ms: int, count: int
) -> list[Candle]:
    open_ms = opened_at(interval, last)
    found: list[Candle] = []
    while len(found) < count and open_ms >= max(start or 0, LAUNCH_MS):
        found.append(market.tape.candle(interval, open_ms, now_ms=now_ms))
        open_ms = opened_at(interval, open_ms - 1)
    return found


PUBLIC_READS: dict[str, Callable[[Venue, Params], Row]] = {
    "/v5/market/time": server_time,
    "/v5/market/instruments-info": instruments,
    "/v5/market/kline": kline,
    "/v5/market/tickers": tickers,
    "/v5/market/orderbook": orderbook,
    "/v5/market/price-limit": price_limit,
    "/v5/market/recent-trade": recent_trades,
    "/v5/market/funding/history": funding_history,
}
