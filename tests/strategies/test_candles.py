"""Bars as arrays that no strategy can alter."""

from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import pytest

from apps.strategies.domain.candles import Candles, CandlesUnusable
from tests.strategies.markets import bar_at, bars, candles, candles_of


def test_bars_become_columns_in_utc() -> None:
    there = bar_at(0)
    in_india = bar_at(5)
    object.__setattr__(
        in_india, "open_at", in_india.open_at.astimezone(timezone(timedelta(hours=5.5)))
    )
    found = Candles.from_bars([there, in_india])
    assert list(found.open_at) == [
        np.datetime64("2026-03-02T00:00"),
        np.datetime64("2026-03-02T00:05"),
    ]
    assert found.close.dtype == np.float64
    assert len(found) == 2


def test_no_bars_are_empty_candles() -> None:
    assert len(Candles.from_bars([])) == 0


@pytest.mark.parametrize("minutes", [0, 5], ids=["again", "back"])
def test_bars_that_do_not_rise_in_time_are_refused(minutes: int) -> None:
    with pytest.raises(CandlesUnusable, match="bars must rise in time"):
        Candles.from_bars([bar_at(5), bar_at(minutes)])


def test_columns_cannot_be_written_to() -> None:
    found = candles_of(1, 2, 3)
    with pytest.raises(ValueError, match="read-only"):
        found.close[0] = 9
    with pytest.raises(ValueError, match="read-only"):
        found.window(0, 2).close[0] = 9


def test_column_of_another_type_or_length_is_refused() -> None:
    good = candles_of(1, 2)
    with pytest.raises(CandlesUnusable, match="close as 2 values of float64, got int64"):
        replace(good, close=np.array([1, 2]))
    with pytest.raises(CandlesUnusable, match=r"shape \(1,\)"):
        replace(good, volume=good.volume[:1])


def test_window_is_a_view_of_the_same_memory() -> None:
    found = candles(50)
    assert np.shares_memory(found.window(10, 20).close, found.close)
    assert list(found.window(10, 20).close) == list(found.close[10:20])


def test_window_rolls_on_bar_by_bar() -> None:
    history = bars(30)
    rolled = Candles.from_bars(history[:10])
    for bar in history[10:]:
        rolled = rolled.with_bar(bar, keep=10)
    assert list(rolled.close) == list(Candles.from_bars(history[20:]).close)


def test_rolling_window_takes_no_bar_that_is_not_newer() -> None:
    with pytest.raises(CandlesUnusable, match="does not come after the last one"):
        Candles.from_bars([bar_at(5)]).with_bar(bar_at(5), keep=10)
    with pytest.raises(ValueError, match="at least 1 bar"):
        Candles.from_bars([bar_at(5)]).with_bar(bar_at(10), keep=0)
