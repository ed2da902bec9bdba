"""Reads the binary packets of the market feed from raw bytes, each length and price checked.

The library's own reader takes a cut packet for a short one, reads a fraction as a whole number and
drops the exchange's time of depth packets.

Source: SmartAPI documentation, "WebSocket Streaming 2.0"; little endian, prices in paise.
"""

import math
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum

from apps.brokers.angelone.fields import Garbled


class Mode(IntEnum):
    """How much a packet tells."""

    LTP = 1
    QUOTE = 2
    SNAP_QUOTE = 3
    DEPTH = 4


EXCHANGES: dict[int, str] = {
    1: "NSE",
    2: "NFO",
    3: "BSE",
    4: "BFO",
    5: "MCX",
    7: "NCDEX",
    13: "CDS",
}
"""The desk's exchange by the number in a packet."""
EXCHANGE_NUMBERS = {name: number for number, name in EXCHANGES.items()}

LENGTHS = {Mode.LTP: 51, Mode.QUOTE: 123, Mode.SNAP_QUOTE: 379, Mode.DEPTH: 443}
_HEAD = struct.Struct("<BB25s")
_LTP = struct.Struct("<qqq")  # from byte 27
_QUOTE = struct.Struct("<qqqddqqqq")  # from byte 51
_SNAP = struct.Struct("<qqd")  # from byte 123
_BEST = struct.Struct("<hqqh")  # from byte 147, ten times
_BOUNDS = struct.Struct("<qqqq")  # from byte 347
_DEPTH_TIMES = struct.Struct("<qq")  # from byte 27
_LEVEL = struct.Struct("<iih")  # from byte 43, twenty buys, then twenty sells
_BUY = 1
_PRICE_DIVISORS = {"CDS": Decimal(10_000_000)}
_PAISE = Decimal(100)
_LARGEST = 2**53
_EARLIEST_MS = 946_684_800_000  # the year 2000
_LATEST_MS = 4_102_444_800_000  # the year 2100


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price of the book: rupees, units, number of orders."""

    price: Decimal
    quantity: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One packet.

    Attributes:
        last_price: Rupees; None in a depth packet.
        exchange_at: The exchange's time (UTC).
        day_volume: Units traded today; None below QUOTE.
        last_traded_at: When the last price was made (UTC), only in SNAP_QUOTE.
        bids, asks: Best first, without empty levels; five, or twenty in a depth packet.
    """

    mode: Mode
    exchange: str
    token: str
    sequence: int | None
    exchange_at: datetime
    last_price: Decimal | None
    last_quantity: int | None = None
    average_price: Decimal | None = None
    day_volume: int | None = None
    total_buy_quantity: int | None = None
    total_sell_quantity: int | None = None
    day_open: Decimal | None = None
    day_high: Decimal | None = None
    day_low: Decimal | None = None
    previous_close: Decimal | None = None
    last_traded_at: datetime | None = None
    open_interest: int | None = None
    upper_circuit: Decimal | None = None
    lower_circuit: Decimal | None = None
    bids: tuple[Level, ...] = field(default=())
    asks: tuple[Level, ...] = field(default=())


def packet_read(packet: bytes) -> Tick:
    """Read a packet.

    Raises:
        Garbled: It is cut, too long, of no known mode, or holds what cannot be.
    """
    if not packet:
        raise Garbled("the packet is empty")
    try:
        mode = Mode(packet[0])
    except ValueError:
        raise Garbled(f"there is no mode {packet[0]}") from None
    if len(packet) != LENGTHS[mode]:
        raise Garbled(f"a packet of mode {mode.name} has {len(packet)} bytes, not {LENGTHS[mode]}")
    _, number, raw_token = _HEAD.unpack_from(packet)
    exchange = EXCHANGES.get(number)
    if exchange is None:
        raise Garbled(f"there is no exchange {number}")
    token = _token(raw_token)
    if mode is Mode.DEPTH:
        return _depth_read(packet, exchange, token)
    return _prices_read(packet, mode, exchange, token)


def _prices_read(packet: bytes, mode: Mode, exchange: str, token: str) -> Tick:
    sequence, at, last = _LTP.unpack_from(packet, 27)
    terms: dict[str, object] = {}
    if mode >= Mode.QUOTE:
        terms |= _quote_terms(packet, exchange)
    if mode is Mode.SNAP_QUOTE:
        terms |= _snap_terms(packet, exchange)
    return Tick(
        mode=mode,
        exchange=exchange,
        token=token,
        sequence=sequence,
        exchange_at=_moment(at),
        last_price=_price(last, exchange, "the last price"),
        **terms,  # type: ignore[arg-type]  # each by its own name, checked where it is read
    )


def _quote_terms(packet: bytes, exchange: str) -> dict[str, object]:
    quantity, average, volume, buys, sells, *day = _QUOTE.unpack_from(packet, 51)
    opened, high, low, close = (_optional(price, exchange) for price in day)
    if high is not None and low is not None and high < low:
        raise Garbled(f"the day's high {high} lies below its low {low}")
    return {
        "last_quantity": _count(quantity, "the last quantity"),
        "average_price": _optional(average, exchange),
        "day_volume": _count(volume, "the day's volume"),
        "total_buy_quantity": _float_count(buys),
        "total_sell_quantity": _float_count(sells),
        "day_open": opened,
        "day_high": high,
        "day_low": low,
        "previous_close": close,
    }


def _snap_terms(packet: bytes, exchange: str) -> dict[str, object]:
    traded, interest, _ = _SNAP.unpack_from(packet, 123)  # the third is garbage by its own words
    upper, lower, _, _ = _BOUNDS.unpack_from(packet, 347)
    bids: list[Level] = []
    asks: list[Level] = []
    for place in range(10):
        flag, quantity, price, orders = _BEST.unpack_from(packet, 147 + 20 * place)
        level = _level(price, quantity, orders, exchange)
        if level is not None:
            (bids if flag == _BUY else asks).append(level)
    _require_sense(bids, asks)
    return {
        "last_traded_at": _second_or_ms(traded),
        "open_interest": _count(interest, "the open interest"),
        "upper_circuit": _optional(upper, exchange),
        "lower_circuit": _optional(lower, exchange),
        "bids": tuple(bids),
        "asks": tuple(asks),
    }


def _depth_read(packet: bytes, exchange: str, token: str) -> Tick:
    at, _ = _DEPTH_TIMES.unpack_from(packet, 27)
    sides: list[list[Level]] = []
    for start in (43, 243):
        levels = []
        for place in range(20):
            quantity, price, orders = _LEVEL.unpack_from(packet, start + 10 * place)
            level = _level(price, quantity, orders, exchange)
            if level is not None:
                levels.append(level)
        sides.append(levels)
    bids, asks = sides
    _require_sense(bids, asks)
    return Tick(
        mode=Mode.DEPTH,
        exchange=exchange,
        token=token,
        sequence=None,
        exchange_at=_moment(at),
        last_price=None,
        bids=tuple(bids),
        asks=tuple(asks),
    )


def _require_sense(bids: list[Level], asks: list[Level]) -> None:
    """Refuse a book whose sides cross: the flag of the sides is documented in two ways."""
    if bids and asks and max(level.price for level in bids) > min(level.price for level in asks):
        raise Garbled("the best bid lies above the best ask")


def _level(price: int, quantity: int, orders: int, exchange: str) -> Level | None:
    if price == 0 or quantity == 0:
        return None
    if quantity < 0 or orders < 0:
        raise Garbled(f"a level of the book holds {quantity} in {orders} orders")
    return Level(price=_price(price, exchange, "a price"), quantity=quantity, orders=orders)


def _token(raw: bytes) -> str:
    text = raw.split(b"\0", 1)[0].strip(b' "')
    if not text.isdigit():
        raise Garbled("the token is none")
    return text.decode("ascii")


def _price(number: int, exchange: str, what: str) -> Decimal:
    if not 0 < number < _LARGEST:
        raise Garbled(f"{what} is {number}")
    return Decimal(number) / _PRICE_DIVISORS.get(exchange, _PAISE)


def _optional(number: int, exchange: str) -> Decimal | None:
    return _price(number, exchange, "a price") if number else None


def _count(number: int, what: str) -> int:
    if not 0 <= number < _LARGEST:
        raise Garbled(f"{what} is {number}")
    return number


def _float_count(number: float) -> int:
    if not math.isfinite(number) or not 0 <= number < _LARGEST:
        raise Garbled("a total quantity is no count")
    return int(number)


def _moment(milliseconds: int) -> datetime:
    if not _EARLIEST_MS < milliseconds < _LATEST_MS:
        raise Garbled(f"the exchange's time is {milliseconds}")
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _second_or_ms(number: int) -> datetime | None:
    """Return the last trade's time, seen in seconds and in milliseconds; None: there is none."""
    if number <= 0:
        return None
    return _moment(number if number > _EARLIEST_MS else number * 1000)
