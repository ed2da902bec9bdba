import itertools
from dataclasses import astuple
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.marketdata.catalogue import CATALOGUE, GENERATED_MARKETS
from apps.marketdata.domain.generator import BLOCK_BARS, generated_bars
from tests.marketdata.bars import START, bars


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"first": -1},
        {"count": -1},
        {"tick_size": Decimal(0)},
        {"initial_price": Decimal("0.5")},
        {"timeframe": "7m"},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "seed": 1,
        "start_at": START,
        "timeframe": "1m",
        "first": 0,
        "count": 1,
        "tick_size": Decimal("0.01"),
        "initial_price": Decimal(100),
    }
    with pytest.raises(ValueError, match=r"\S"):
        generated_bars(**{**right, **wrong})


@settings(deadline=None, max_examples=40)
@given(first=st.integers(0, 5000), count=st.integers(0, 600), seed=st.integers(0, 2**40))
def test_any_stretch_equals_the_same_stretch_of_a_longer_one(
    first: int, count: int, seed: int
) -> None:
    longer = bars(first % 300 + count + 10, first=first - first % 300, seed=seed)
    stretch = bars(count, first=first, seed=seed)
    assert stretch == longer[first % 300 :][:count]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**40),
    tick=st.sampled_from(["0.0001", "0.01", "0.05", "0.5", "1"]),
    ticks=st.integers(100, 10**7),
    timeframe=st.sampled_from(["1m", "5m", "15m", "1h", "4h", "1d"]),
)
def test_every_bar_is_possible_on_tick_on_time_and_opens_at_the_last_close(
    seed: int, tick: str, ticks: int, timeframe: str
) -> None:
    tick_size = Decimal(tick)
    made = generated_bars(
        seed=seed,
        start_at=START,
        timeframe=timeframe,
        first=BLOCK_BARS - 100,
        count=200,
        tick_size=tick_size,
        initial_price=ticks * tick_size,
    )
    length = made[0].close_at - made[0].open_at
    for previous, bar in itertools.pairwise(made):
        assert bar.open == previous.close
        assert bar.open_at == previous.close_at
        assert bar.close_at - bar.open_at == length
        assert 0 < bar.low <= min(bar.open, bar.close)
        assert bar.high >= max(bar.open, bar.close)
        assert bar.volume > 0
        assert all(price % tick_size == 0 for price in (bar.open, bar.high, bar.low, bar.close))


def test_first_bar_opens_at_the_initial_price() -> None:
    assert bars(1)[0].open == 100
    assert bars(1)[0].open_at == START
    assert bars(1, first=7)[0].open_at == START + timedelta(minutes=35)


def test_seeds_give_different_markets_and_one_seed_always_the_same() -> None:
    assert bars(100, seed=1) != bars(100, seed=2)
    assert [astuple(bar) for bar in bars(3, seed=3)] == [astuple(bar) for bar in bars(3, seed=3)]


@pytest.mark.parametrize("symbol", sorted(GENERATED_MARKETS))
def test_the_demo_markets_give_both_strategies_something_to_do(symbol: str) -> None:
    market = GENERATED_MARKETS[symbol]
    made = generated_bars(
        seed=market.seed,
        start_at=START,
        timeframe="1m",
        first=0,
        count=20_000,
        tick_size=CATALOGUE[symbol].tick_size,
        initial_price=market.initial_price,
    )
    high, low, close = (
        np.array([float(getattr(bar, name)) for bar in made]) for name in ("high", "low", "close")
    )
    upper, _, lower = talib.BBANDS(close, 20, 2, 2)
    calm = talib.ADX(high, low, close, 14) < 25
    strength = talib.RSI(close, 14)
    entries = ((close < lower) & (strength < 25) | (close > upper) & (strength > 75)) & calm
    above = talib.SMA(close, 20) > talib.SMA(close, 50)
    assert entries.sum() > 20_000 / 200
    assert (above[1:] != above[:-1]).sum() > 20_000 / 60


def test_returns_have_fat_tails_and_their_sizes_come_in_clusters() -> None:
    close = np.array([float(bar.close) for bar in bars(20_000)])
    returns = np.diff(np.log(close))
    kurtosis = np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2
    sizes = np.abs(returns)
    assert kurtosis > 4
    assert np.corrcoef(sizes[1:], sizes[:-1])[0, 1] > 0.15
