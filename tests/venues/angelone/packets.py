"""The feed's binary packets, little-endian, as the documentation lays them out; paise."""

import struct
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from tests.venues.angelone.instruments import EXCHANGE_TYPES
from tests.venues.angelone.market import Market
from tests.venues.exchange import Side


class Mode(IntEnum):
    LTP = 1
    QUOTE = 2
    SNAP_QUOTE = 3
    DEPTH = 4


_HEAD = struct.Struct("<BB25sqqq")
_QUOTE = struct.Struct("<qqqddqqqq")
_SNAP = struct.Struct("<qqd")
_BEST = struct.Struct("<hqqh")
_LIMITS = struct.Struct("<qqqq")
_DEPTH_HEAD = struct.Struct("<BB25sqq")
_DEPTH_LEVEL = struct.Struct("<iih")
_BUY_FLAG = {Side.BUY: 1, Side.SELL: 0}
_CURRENCY = 10**7


def packet(market: Market, mode: Mode, at: datetime) -> bytes:
    """Return what a subscriber of a mode gets: 51, 123, 379 or 443 bytes."""
    if mode is Mode.DEPTH:
        return _depth(market, at)
    parts = [_head(market, mode, at)]
    if mode >= Mode.QUOTE:
        parts.append(_quote(market))
    if mode is Mode.SNAP_QUOTE:
        parts.append(_snapshot(market, at))
    return b"".join(parts)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _names(market: Market, mode: Mode) -> tuple[int, int, bytes]:
    instrument = market.instrument
    return mode, EXCHANGE_TYPES[instrument.exchange], instrument.token.encode()


def _price(market: Market, price: Decimal) -> int:
    return int(price * (_CURRENCY if market.instrument.exchange == "CDS" else 100))


def _head(market: Market, mode: Mode, at: datetime) -> bytes:
    sequence = market.sequence if market.instrument.is_traded else 0
    last = _price(market, market.last)
    return _HEAD.pack(*_names(market, mode), sequence, _milliseconds(at), last)


def _quote(market: Market) -> bytes:
    totals = (sum(each[1] for each in market.best_five(side)) for side in (Side.BUY, Side.SELL))
    last = market.last
    day = (market.opening or last, market.high or last, market.low or last, market.close_before)
    return _QUOTE.pack(
        market.last_quantity,
        _price(market, market.average),
        market.volume,
        *(float(total) for total in totals),
        *(_price(market, price) for price in day),
    )


def _snapshot(market: Market, at: datetime) -> bytes:
    last_at = int((market.last_at or at).timestamp())
    parts = [_SNAP.pack(last_at, market.open_interest, 0.0)]
    for side in (Side.BUY, Side.SELL):
        for price, quantity, orders in market.best_five(side):
            parts.append(_BEST.pack(_BUY_FLAG[side], quantity, _price(market, price), orders))
    bounds = (market.upper_circuit, market.lower_circuit) * 2
    return b"".join(parts) + _LIMITS.pack(*(_price(market, bound) for bound in bounds))


def _depth(market: Market, at: datetime) -> bytes:
    parts = [_DEPTH_HEAD.pack(*_names(market, Mode.DEPTH), _milliseconds(at), 0)]
    for side in (Side.BUY, Side.SELL):
        for price, quantity, orders in market.best_five(side, 20):
            parts.append(_DEPTH_LEVEL.pack(quantity, _price(market, price), orders))
    return b"".join(parts)
