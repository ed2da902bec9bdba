"""Strategies of the library on bars drawn by hand: where they enter, with which stop and target."""

from typing import Any

import numpy as np
import pytest

from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import average_range
from apps.strategies.domain.signals import Signals
from apps.strategies.loading import ParametersRefused, strategy_build, strategy_load
from tests.strategies.markets import BLOCK, candles_of, drawn


def signals_of(name: str, market: Candles, **parameters: Any) -> Signals:
    """Ask about all bars, also those before the warm-up."""
    signals = strategy_build(strategy_load(name), parameters).signals(market)
    assert isinstance(signals, Signals)
    return signals


def rows(flags: np.ndarray) -> list[int]:
    return np.flatnonzero(flags).tolist()


def at(column: object, row: int) -> float:
    assert isinstance(column, np.ndarray)
    return float(column[row])


QUIET = [(10.0, 10.5, 9.5, 10.0)] * 30


def test_a_breakout_enters_on_the_close_beyond_the_channel_before_with_a_stop_in_ranges() -> None:
    market = drawn([*QUIET, (10, 11, 10, 10.5), (10.5, 12, 10.4, 11.9), (11.9, 12, 8, 8.5)])
    found = signals_of("channel_breakout", market, entry_bars=10, exit_bars=5, stop_ranges=2)
    assert rows(found.enter_long) == [31], "at bar 30 it closes at the channel, not beyond"
    assert rows(found.enter_short) == [32]
    width = average_range(market.high, market.low, market.close, 20)[31]
    assert at(found.stop_loss_ratio, 31) == pytest.approx(2 * width / 11.9)


def test_a_long_only_breakout_leaves_below_the_shorter_channel() -> None:
    market = drawn([*QUIET, (10, 12, 10, 12), (12, 13, 11, 12), (12, 12, 9.4, 9.4)])
    found = signals_of(
        "channel_breakout", market, entry_bars=10, exit_bars=5, direction="long_only"
    )
    assert (rows(found.enter_short), rows(found.exit)) == ([], [32])


def test_an_exit_channel_longer_than_the_entry_channel_is_refused() -> None:
    with pytest.raises(ParametersRefused, match="exit_bars must be at most entry_bars"):
        signals_of("channel_breakout", drawn(QUIET), entry_bars=5, exit_bars=6)


def test_the_trend_is_wanted_while_it_is_one_and_left_when_it_is_none() -> None:
    rise, chop = np.arange(100.0, 460), 460 + np.arange(60) % 2
    market = candles_of(*rise, *chop)
    found = signals_of("regime_trend", market, average_bars=20, trend_bars=20, efficiency=0.5)
    assert found.enter_long[350]
    assert found.exit[-1]
    assert not found.enter_short.any()


def test_vwap_reversion_enters_far_away_in_an_idle_market_and_leaves_at_the_average() -> None:
    rows_ = [(10, 10.1, 9.9, 10 + 0.05 * (number % 2)) for number in range(40)]
    market = drawn([*rows_, (10, 10, 8.9, 9), (9, 9.6, 9, 9.5), (9.5, 10.4, 9.5, 10.3)])
    found = signals_of("vwap_reversion", market, vwap_bars=20, away_ranges=2, efficiency=0.9)
    assert 40 in rows(found.enter_long)
    assert 42 in rows(found.exit), "it crosses the average"
    assert not found.exit[40:42].any() or found.exit[40], "and not before, but for the fall itself"
    trending = signals_of("vwap_reversion", market, vwap_bars=20, away_ranges=2, efficiency=0.05)
    assert rows(trending.enter_long[40:]) == []


SWEEP = [
    (10, 10.5, 9.8, 10),
    (10, 10.2, 9, 9.5),  # the old low: 9
    (9.5, 10.4, 9.4, 10),
    (10, 10.6, 9.9, 10.2),
]


def test_a_sweep_enters_against_it_with_the_stop_beyond_and_the_target_in_stops() -> None:
    market = drawn([*SWEEP, (10.2, 10.3, 8.8, 9.6), (9.6, 10, 9.5, 9.9)])
    found = signals_of("liquidity_sweep", market, swing_bars=1, stop_buffer_ratio=0.01)
    assert rows(found.enter_long) == [4]
    stop = 1 - 8.8 * 0.99 / 9.6
    assert at(found.stop_loss_ratio, 4) == pytest.approx(stop)
    assert at(found.take_profit_ratio, 4) == pytest.approx(2 * stop)


def test_a_close_beyond_is_a_run_and_no_sweep() -> None:
    market = drawn([*SWEEP, (10.2, 10.3, 8.8, 8.9), (8.9, 9, 8.5, 8.6)])
    assert rows(signals_of("liquidity_sweep", market, swing_bars=1).enter_long) == []


def test_a_sweep_outside_its_kill_zone_is_left_alone() -> None:
    hours = [*SWEEP, (10.2, 10.3, 8.8, 9.6), (9.6, 10, 9.5, 9.9)]
    for start, entered in (("2026-03-02T11:00", [4]), ("2026-03-02T15:00", [])):
        market = drawn(hours, start=start)  # the sweep an hour later: 07:00 in New York, or 11:00
        found = signals_of("liquidity_sweep", market, swing_bars=1, kill_zone="new_york")
        assert rows(found.enter_long) == entered


def test_a_pullback_enters_at_the_first_touch_of_the_block_with_the_stop_beyond_it() -> None:
    found = signals_of(
        "structure_pullback", BLOCK, swing_bars=1, discount=False, stop_buffer_ratio=0
    )
    assert rows(found.enter_long) == [7]
    assert at(found.stop_loss_ratio, 7) == pytest.approx((13 - 10.5) / 13)
    assert at(found.take_profit_ratio, 7) == pytest.approx(2 * (13 - 10.5) / 13)


def test_a_pullback_at_a_premium_is_left_alone() -> None:
    found = signals_of("structure_pullback", BLOCK, swing_bars=1, discount=True)
    assert rows(found.enter_long) == []


@pytest.mark.parametrize(
    "name",
    ["channel_breakout", "liquidity_sweep", "regime_trend", "structure_pullback", "vwap_reversion"],
)
def test_long_only_never_goes_short(name: str) -> None:
    market = drawn([*QUIET, (10, 12, 10, 12), (12, 13, 7, 7.5), *SWEEP, (10, 11, 8, 10.5), *QUIET])
    assert not signals_of(name, market, direction="long_only").enter_short.any()
