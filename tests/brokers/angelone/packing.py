"""Writes binary packets as the feed's documentation lays them out, byte by byte."""

import struct
from typing import Any

BIDS = [(100.00 - i / 20, 10 + i, 1 + i) for i in range(5)]
ASKS = [(100.05 + i / 20, 20 + i, 2 + i) for i in range(5)]


def packet(mode: int = 1, *, token: str = "3045", exchange: int = 1, **terms: Any) -> bytes:
    """Pack one of the first three modes; prices in paise."""
    head = struct.pack("<BB25s", mode, exchange, token.encode())
    body = struct.pack(
        "<qqq",
        terms.get("sequence", 7),
        terms.get("at", 1_764_560_700_123),
        terms.get("last", 10_000),
    )
    if mode >= 2:
        body += struct.pack(
            "<qqqddqqqq",
            terms.get("quantity", 5),
            terms.get("average", 9_990),
            terms.get("volume", 1_000),
            terms.get("buys", 400.0),
            terms.get("sells", 600.0),
            *terms.get("day", (9_900, 10_100, 9_800, 9_950)),
        )
    if mode == 3:
        body += struct.pack("<qqd", terms.get("traded", 1_764_560_699), 12, float("nan"))
        for flag, side in ((1, terms.get("bids", BIDS)), (0, terms.get("asks", ASKS))):
            for price, quantity, orders in side:
                body += struct.pack("<hqqh", flag, quantity, round(price * 100), orders)
        body += struct.pack("<qqqq", 11_000, 9_000, 12_000, 8_000)
    return head + body


def depth_packet(*, token: str = "3045", at: int = 1_764_560_700_123) -> bytes:
    """Pack twenty levels on each side."""
    packed = struct.pack("<BB25sqq", 4, 1, token.encode(), at, 0)
    for start, step in ((10_000, -5), (10_005, 5)):
        for place in range(20):
            packed += struct.pack("<iih", 10 + place, start + step * place, 1)
    return packed
