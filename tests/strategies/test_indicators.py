"""Indicators, and their one promise: how many bars decide the newest value."""

from collections.abc import Callable

import numpy as np
import pytest
import talib

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.indicators import (
    adx,
    atr,
    bollinger_bands,
    ema,
    recursive_warmup,
    rsi,
    sma,
)
from tests.strategies.markets import candles, candles_of

WINDOWED: dict[str, Callable[[Candles], Floats]] = {
    "sma": lambda market: sma(market.close, 30),
    "upper band": lambda market: bollinger_bands(market.close, 20).upper,
    "lower band": lambda market: bollinger_bands(market.close, 20).lower,
}
RECURSIVE: dict[str, tuple[Callable[[Candles], Floats], int]] = {
    "ema": (lambda market: ema(market.close, 20), recursive_warmup(smoothing=2 / 21) + 20),
    "rsi": (lambda market: rsi(market.close, 14), recursive_warmup(smoothing=1 / 14) + 14),
    "atr": (
        lambda market: atr(market.high, market.low, market.close, 14),
        recursive_warmup(smoothing=1 / 14) + 14,
    ),
    "adx": (
        lambda market: adx(market.high, market.low, market.close, 14),
        recursive_warmup(smoothing=1 / 14, passes=2) + 28,
    ),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_windowed_indicator_is_the_same_live_and_over_all_history_to_the_last_bit(
    name: str,
) -> None:
    market, indicator = candles(2000), WINDOWED[name]
    over_all = indicator(market)
    for row in range(60, 2000, 97):
        live = indicator(market.window(row - 29, row + 1))
        assert live[-1] == over_all[row]


@pytest.mark.parametrize("name", RECURSIVE)
def test_recursive_indicator_is_the_same_live_and_over_all_history_to_nine_places(
    name: str,
) -> None:
    market = candles(3000)
    indicator, warmup = RECURSIVE[name]
    over_all = indicator(market)
    for row in range(warmup, 3000, 101):
        live = indicator(market.window(row + 1 - warmup, row + 1))
        assert live[-1] == pytest.approx(over_all[row], rel=1e-9, abs=1e-9)


def test_average_is_the_mean_of_its_window() -> None:
    market = candles(500)
    for period in (1, 2, 3, 7, 10, 30, 64, 200):
        found = sma(market.close, period)
        assert np.isnan(found[: period - 1]).all()
        assert found[-1] == pytest.approx(market.close[-period:].mean(), rel=1e-12)


def test_bands_agree_with_talib() -> None:
    market = candles(1000)
    found = bollinger_bands(market.close, 20, 2.0)
    expected = talib.BBANDS(market.close, timeperiod=20, nbdevup=2, nbdevdn=2)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours[19:], theirs[19:], rtol=1e-9)
        assert np.isnan(ours[:19]).all()


def test_bands_of_a_market_that_stands_still_have_no_width() -> None:
    still = candles_of(*[0.1 + 0.2] * 60)
    upper, middle, lower = bollinger_bands(still.close, 20)
    assert (upper[19:] == still.close[19:]).all()
    assert (lower[19:] == middle[19:]).all()


def test_too_few_bars_give_no_value_and_no_error() -> None:
    few = candles(5)
    for values in (
        sma(few.close, 10),
        ema(few.close, 10),
        rsi(few.close, 10),
        bollinger_bands(few.close, 10).middle,
        atr(few.high, few.low, few.close, 10),
        adx(few.high, few.low, few.close, 10),
    ):
        assert len(values) == 5
        assert np.isnan(values).all()


@pytest.mark.parametrize(
    ("indicator", "least"),
    [
        (lambda period: sma(candles(9).close, period), 1),
        (lambda period: ema(candles(9).close, period), 2),
        (lambda period: rsi(candles(9).close, period), 2),
        (lambda period: bollinger_bands(candles(9).close, period), 2),
    ],
)
def test_period_that_makes_no_sense_is_refused(
    indicator: Callable[[int], object], least: int
) -> None:
    with pytest.raises(ValueError, match=f"period must be at least {least} bars"):
        indicator(least - 1)


def test_slower_and_repeated_smoothing_remember_longer() -> None:
    assert recursive_warmup(smoothing=1 / 14) < recursive_warmup(smoothing=1 / 28)
    once, twice = (recursive_warmup(smoothing=1 / 14, passes=passes) for passes in (1, 2))
    assert once < twice
    assert recursive_warmup(smoothing=1) == 1
