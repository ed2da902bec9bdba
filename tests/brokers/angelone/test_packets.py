"""Binary packets are read from raw bytes, and what cannot be is refused."""

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.brokers.angelone.fields import Garbled
from apps.brokers.angelone.packets import LENGTHS, Mode, packet_read
from tests.brokers.angelone.packing import depth_packet, packet

D = Decimal


def test_each_mode_has_its_documented_length() -> None:
    assert [len(packet(mode)) for mode in (1, 2, 3)] == [51, 123, 379]
    assert len(depth_packet()) == LENGTHS[Mode.DEPTH] == 443


def test_price_packet_tells_token_time_and_price_in_rupees() -> None:
    tick = packet_read(packet(1, last=81_220))
    assert (tick.exchange, tick.token, tick.sequence) == ("NSE", "3045", 7)
    assert tick.last_price == D("812.20")
    assert tick.exchange_at == datetime(2025, 12, 1, 3, 45, 0, 123_000, tzinfo=UTC)


def test_quote_packet_tells_the_day() -> None:
    tick = packet_read(packet(2))
    assert (tick.last_quantity, tick.day_volume) == (5, 1000)
    assert (tick.day_open, tick.day_high, tick.day_low) == (D(99), D(101), D(98))
    assert (tick.total_buy_quantity, tick.total_sell_quantity) == (400, 600)


def test_full_packet_puts_flag_1_on_the_bids() -> None:
    tick = packet_read(packet(3))
    assert [level.price for level in tick.bids][:2] == [D(100), D("99.95")]
    assert [level.price for level in tick.asks][:2] == [D("100.05"), D("100.10")]
    assert (tick.upper_circuit, tick.lower_circuit) == (D(110), D(90))
    assert tick.last_traded_at == datetime(2025, 12, 1, 3, 44, 59, tzinfo=UTC)


def test_depth_packet_has_twenty_levels_and_the_exchanges_own_time() -> None:
    tick = packet_read(depth_packet())
    assert (len(tick.bids), len(tick.asks)) == (20, 20)
    assert tick.bids[0].price < tick.asks[0].price
    assert tick.exchange_at.year == 2025


def test_currency_is_counted_in_ten_millionths() -> None:
    assert packet_read(packet(1, exchange=13, last=851_234_500)).last_price == D("85.12345")


def test_empty_levels_are_no_prices() -> None:
    tick = packet_read(packet(3, bids=[(0, 0, 0)] * 5))
    assert tick.bids == ()


REFUSED = {
    "empty": b"",
    "cut": packet(2)[:-1],
    "too long": packet(1) + b"\0",
    "mode of another length": bytes([2]) + packet(1)[1:],
    "no such mode": bytes([9]) + packet(1)[1:],
    "no such exchange": packet(1, exchange=6),
    "token of letters": packet(1, token="SBIN"),
    "price of zero": packet(1, last=0),
    "negative price": packet(1, last=-5),
    "absurd price": packet(1, last=2**62),
    "time of 1970": packet(1, at=1000),
    "negative volume": packet(2, volume=-1),
    "count that is none": packet(2, buys=float("inf")),
    "high below low": packet(2, day=(1, 2, 3, 4)),
    "crossed book": packet(3, bids=[(101.0, 1, 1)] * 5),
    "text": b"pong",
}


@pytest.mark.parametrize("name", REFUSED)
def test_packet_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(Garbled):
        packet_read(REFUSED[name])


def test_noise_is_refused_or_read_and_never_breaks_the_reader() -> None:
    dice = random.Random(4)
    for _ in range(3000):
        noise = bytearray(packet(dice.choice([1, 2, 3])) if dice.random() < 0.7 else depth_packet())
        for _ in range(dice.randrange(1, 8)):
            noise[dice.randrange(len(noise))] = dice.randrange(256)
        try:
            tick = packet_read(bytes(noise))
        except Garbled:
            continue
        assert tick.last_price is None or tick.last_price > 0
