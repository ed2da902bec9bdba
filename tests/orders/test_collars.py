"""Collars hold a price near the market on the side that hurts, and never on the other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.marketdata.domain.quotes import QuoteView
from apps.orders.domain.collars import collar_objection, marketable_limit, slippage_limit
from apps.orders.domain.types import Side

D = Decimal
QUOTE = QuoteView(last=D(100), bid=D("99.5"), ask=D("100.5"))


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "101.5"), (Side.SELL, "98.6")])
def test_a_marketable_limit_starts_from_the_side_that_it_takes(side: Side, price: str) -> None:
    found = marketable_limit(side=side, quote=QUOTE, collar_bps=D(100), tick_size=D("0.1"))
    assert found == D(price)


def test_without_bid_and_ask_it_starts_from_the_last_price() -> None:
    quote = QuoteView(last=D(50))
    assert marketable_limit(
        side=Side.SELL, quote=quote, collar_bps=D(10), tick_size=D("0.05")
    ) == D("49.95")


@given(
    side=st.sampled_from(Side),
    last=st.decimals(D(1), D(10_000), places=2),
    collar_bps=st.integers(0, 2_000),
    tick=st.sampled_from([D("0.01"), D("0.05"), D("0.5")]),
)
def test_a_marketable_limit_lies_on_the_tick_and_within_the_collar(
    side: Side, last: Decimal, collar_bps: int, tick: Decimal
) -> None:
    price = marketable_limit(
        side=side, quote=QuoteView(last=last), collar_bps=D(collar_bps), tick_size=tick
    )
    assert price % tick == 0
    if price > tick:  # below one tick there is no price
        assert side.sign * (price - last) <= last * collar_bps / 10_000


@pytest.mark.parametrize(
    ("side", "price", "words"),
    [
        (Side.BUY, "102", "BUY at 102 is 200 bps worse than the last price 100"),
        (Side.SELL, "98", "SELL at 98 is 200 bps worse"),
    ],
)
def test_a_price_beyond_the_collar_is_named_with_its_distance(
    side: Side, price: str, words: str
) -> None:
    found = collar_objection(side=side, price=D(price), quote=QUOTE, collar_bps=D(100))
    assert found is not None
    assert words in found


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "50"), (Side.SELL, "200")])
def test_the_harmless_side_is_free(side: Side, price: str) -> None:
    assert collar_objection(side=side, price=D(price), quote=QUOTE, collar_bps=D(10)) is None


def test_a_stray_last_price_does_not_open_the_collar() -> None:
    stray = QuoteView(last=D(150), bid=D(99), ask=D(101))
    assert collar_objection(side=Side.BUY, price=D(140), quote=stray, collar_bps=D(100))


def test_a_maximum_slippage_is_a_worst_price() -> None:
    assert slippage_limit(
        side=Side.BUY,
        reference_price=D(200),
        maximum_slippage_bps=D(25),
        tick_size=D("0.1"),
    ) == D("200.5")
