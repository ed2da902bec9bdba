"""Quotes by REST, in rupees, and the search for symbols."""

from tests.venues.angelone.instruments import Instrument
from tests.venues.angelone.market import Market
from tests.venues.angelone.orders import time_word
from tests.venues.angelone.replies import TEXTS, Refusal, Row
from tests.venues.angelone.venue import Venue
from tests.venues.exchange import Side

_LARGEST = 50
_MODES = ("LTP", "OHLC", "FULL")


def quotes_read(venue: Venue, asked: Row) -> Row:
    """Return what was asked for, and apart from it what there is not."""
    wanted, mode = asked.get("exchangeTokens"), asked.get("mode")
    if not isinstance(wanted, dict) or mode not in _MODES:
        raise Refusal("AB1007", f"Invalid parameters: exchangeTokens and a mode of {_MODES}")
    keys = [(str(exchange), str(token)) for exchange in wanted for token in wanted[exchange]]
    if not 0 < len(keys) <= _LARGEST:
        raise Refusal("AB1007", f"Invalid parameters: 1 to {_LARGEST} tokens")
    fetched = [_quote(venue, key, mode) for key in keys if key in venue.instruments]
    missing = [_missing(key) for key in keys if key not in venue.instruments]
    return {"fetched": fetched, "unfetched": missing}


def last_price_read(venue: Venue, asked: Row) -> Row:
    """Return the older, smaller quote."""
    market = venue.market((str(asked.get("exchange")), str(asked.get("symboltoken"))))
    return {
        "exchange": market.instrument.exchange,
        "tradingsymbol": market.instrument.symbol,
        "symboltoken": market.instrument.token,
        **_day(market),
        "ltp": float(market.last),
    }


def symbols_search(venue: Venue, asked: Row) -> list[Row]:
    """Return what of an exchange has the words in its symbol."""
    exchange, words = asked.get("exchange"), str(asked.get("searchscrip") or "").upper()
    if not words:
        raise Refusal("AB1007", "Invalid parameters: searchscrip")
    return [
        _found(each)
        for each in venue.instruments.values()
        if each.exchange == exchange and words in each.symbol.upper()
    ]


def _quote(venue: Venue, key: tuple[str, str], mode: str) -> Row:
    market = venue.market(key)
    row = {
        "exchange": market.instrument.exchange,
        "tradingSymbol": market.instrument.symbol,
        "symbolToken": market.instrument.token,
        "ltp": float(market.last),
    }
    if mode == "LTP":
        return row
    row |= _day(market)
    return row if mode == "OHLC" else {**row, **_full(venue, market)}


def _day(market: Market) -> Row:
    last = market.last
    return {
        "open": float(market.opening or last),
        "high": float(market.high or last),
        "low": float(market.low or last),
        "close": float(market.close_before),
    }


def _full(venue: Venue, market: Market) -> Row:
    moved = market.last - market.close_before
    at = market.last_at or venue.now()
    sides = {side: market.best_five(side) for side in Side}
    return {
        "lastTradeQty": market.last_quantity,
        "exchFeedTime": time_word(venue.now()),
        "exchTradeTime": time_word(at),
        "netChange": float(moved),
        "percentChange": float(round(100 * moved / market.close_before, 2)),
        "avgPrice": float(market.average),
        "tradeVolume": market.volume,
        "opnInterest": market.open_interest,
        "lowerCircuit": float(market.lower_circuit),
        "upperCircuit": float(market.upper_circuit),
        "totBuyQuan": sum(each[1] for each in sides[Side.BUY]),
        "totSellQuan": sum(each[1] for each in sides[Side.SELL]),
        "52WeekLow": float(market.lower_circuit),
        "52WeekHigh": float(market.upper_circuit),
        "depth": {
            side.value.lower(): [
                {"price": float(price), "quantity": quantity, "orders": orders}
                for price, quantity, orders in sides[side]
            ]
            for side in Side
        },
    }


def _missing(key: tuple[str, str]) -> Row:
    return {
        "exchange": key[0],
        "symbolToken": key[1],
        "message": TEXTS["AB4018"],
        "errorCode": "AB4018",
    }


def _found(instrument: Instrument) -> Row:
    return {
        "exchange": instrument.exchange,
        "tradingsymbol": instrument.symbol,
        "symboltoken": instrument.token,
    }
