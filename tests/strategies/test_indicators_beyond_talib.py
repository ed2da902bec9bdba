"""What TA-Lib lacks: each against its definition written out, and as live as over all bars."""

from collections.abc import Callable

import numpy as np
import pytest

from apps.strategies.domain import indicators
from apps.strategies.domain.candles import Candles, Floats
from tests.strategies.markets import candles, candles_of

MARKET = candles(1500, seed=3)
HLC = (MARKET.high, MARKET.low, MARKET.close)


def hlc(market: Candles) -> tuple[Floats, Floats, Floats]:
    return market.high, market.low, market.close


WINDOWED: dict[str, tuple[Callable[[Candles], Floats], int]] = {
    "donchian": (lambda market: indicators.donchian_channel(market.high, market.low).middle, 20),
    "ichimoku": (lambda market: indicators.ichimoku(*hlc(market)).span_b, 78),
    "average range": (lambda market: indicators.average_range(*hlc(market), 14), 15),
    "stochastic": (lambda market: indicators.stochastic(*hlc(market)).d, 18),
    "efficiency": (lambda market: indicators.efficiency_ratio(market.close, 20), 21),
    "rolling vwap": (lambda market: indicators.rolling_vwap(market, 30), 30),
    "vwap": (lambda market: indicators.vwap(market, anchor="4h"), 49),
}
RECURSIVE: dict[str, tuple[Callable[[Candles], Floats], int]] = {
    "heikin-ashi": (
        lambda market: indicators.heikin_ashi(market.open, *hlc(market)).open,
        indicators.recursive_warmup(smoothing=0.5),
    ),
    "keltner": (
        lambda market: indicators.keltner_channel(*hlc(market)).upper,
        indicators.recursive_warmup(smoothing=2 / 21) + 370,
    ),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_windowed_value_is_decided_by_its_window_to_the_last_bit(name: str) -> None:
    indicator, bars = WINDOWED[name]
    over_all = indicator(MARKET)
    for row in range(150, 1500, 83):
        assert indicator(MARKET.window(row + 1 - bars, row + 1))[-1] == over_all[row]


@pytest.mark.parametrize("name", RECURSIVE)
def test_recursive_value_is_forgotten_as_promised(name: str) -> None:
    indicator, bars = RECURSIVE[name]
    over_all = indicator(MARKET)
    for row in range(bars, 1500, 83):
        live = indicator(MARKET.window(row + 1 - bars, row + 1))[-1]
        assert live == pytest.approx(over_all[row], rel=1e-9)


def test_vwap_is_the_volume_weighted_price_since_the_session_began() -> None:
    found = indicators.vwap(MARKET, zone="Asia/Kolkata")  # midnight there is 18:30 UTC
    start = next(
        row for row in range(1500) if str(MARKET.open_at[row])[11:16] == "18:30" and row > 0
    )
    assert np.isnan(found[:start]).all()
    price = (MARKET.high + MARKET.low + MARKET.close)[start : start + 100] / 3
    volume = MARKET.volume[start : start + 100]
    assert found[start + 99] == pytest.approx((price * volume).sum() / volume.sum(), rel=1e-12)
    bands = indicators.vwap_bands(MARKET, zone="Asia/Kolkata", deviations=2)
    deviation = np.sqrt(np.cov(price, aweights=volume, bias=True))
    assert bands.upper[start + 99] - bands.middle[start + 99] == pytest.approx(2 * deviation)


def test_vwap_waits_for_the_first_volume_of_a_session() -> None:
    still = Candles(
        MARKET.open_at, MARKET.open, *HLC, np.zeros(len(MARKET)), bar_seconds=MARKET.bar_seconds
    )
    assert np.isnan(indicators.vwap(still)).all()
    assert np.isnan(indicators.rolling_vwap(still, 5)).all()


def test_supertrend_stays_on_its_side_of_price_and_only_tightens_until_it_turns() -> None:
    line, direction = indicators.supertrend(*HLC, 10, multiplier=2)
    known = ~np.isnan(direction)
    assert (line[known & (direction > 0)] <= MARKET.close[known & (direction > 0)]).all()
    assert (line[known & (direction < 0)] >= MARKET.close[known & (direction < 0)]).all()
    turns = np.flatnonzero(np.diff(direction[known]) != 0)
    assert len(turns) > 10
    held = direction[1:] == direction[:-1]
    tightened = np.where(direction[1:] > 0, np.diff(line) >= 0, np.diff(line) <= 0)
    assert tightened[held & known[1:] & known[:-1]].all()


def test_supertrend_turns_on_the_bar_that_closes_through_it() -> None:
    line, direction = indicators.supertrend(*HLC, 10, multiplier=2)
    for row in np.flatnonzero((direction[1:] < 0) & (direction[:-1] > 0)) + 1:
        assert MARKET.close[row] < line[row - 1] or np.isnan(line[row - 1])


def test_donchian_channel_holds_every_bar_of_its_window() -> None:
    upper, middle, lower = indicators.donchian_channel(MARKET.high, MARKET.low, 20)
    assert upper[500] == MARKET.high[481:501].max()
    assert lower[500] == MARKET.low[481:501].min()
    assert middle[500] == (upper[500] + lower[500]) / 2
    assert (indicators.donchian_channel(MARKET.high, MARKET.low, 1).upper == MARKET.high).all()


def test_ichimoku_cloud_over_a_bar_was_drawn_26_bars_before() -> None:
    found = indicators.ichimoku(*HLC)
    past = 500 - 26
    expected_b = (
        MARKET.high[past - 51 : past + 1].max() + MARKET.low[past - 51 : past + 1].min()
    ) / 2
    assert found.span_b[500] == expected_b
    assert found.span_a[500] == (found.conversion[past] + found.base[past]) / 2
    assert found.lagged_close[500] == MARKET.close[past]


def test_heikin_ashi_opens_in_the_middle_of_the_candle_before() -> None:
    found = indicators.heikin_ashi(MARKET.open, *HLC)
    np.testing.assert_array_equal(found.open[1:], (found.open[:-1] + found.close[:-1]) / 2)
    assert (found.high >= np.maximum(found.open, found.close)).all()
    assert (found.low <= np.minimum(found.open, found.close)).all()


def test_keltner_and_atr_bands_are_as_wide_as_the_range_says() -> None:
    band = indicators.keltner_channel(*HLC, 20, atr_period=10, multiplier=1.5)
    width = 1.5 * indicators.atr(*HLC, 10)[19:]
    np.testing.assert_allclose((band.upper - band.middle)[19:], width, rtol=0, atol=1e-9)
    around = indicators.atr_bands(*HLC, 14, multiplier=2)
    np.testing.assert_allclose(around.upper - MARKET.close, 2 * indicators.atr(*HLC, 14), atol=1e-9)
    stops = indicators.chandelier_stops(*HLC)
    assert stops.long[500] < MARKET.high[479:501].max()


def test_a_straight_way_is_efficient_and_a_market_that_stands_still_is_not() -> None:
    rising, still = candles_of(*range(1, 40)), candles_of(*[5.0] * 40)
    assert indicators.efficiency_ratio(rising.close, 20)[-1] == 1
    assert indicators.efficiency_ratio(still.close, 20)[-1] == 0
    assert indicators.stochastic(still.high, still.low, still.close).d[-1] == 50
    assert indicators.rate_of_change(rising.close, 10)[-1] == pytest.approx(39 / 29 - 1)
    assert indicators.macd(still.close).histogram[-1] == 0


def test_too_few_bars_give_no_value_and_no_error() -> None:
    few = candles(5)
    columns = (few.high, few.low, few.close)
    for values in (
        indicators.donchian_channel(few.high, few.low).upper,
        indicators.ichimoku(*columns).span_b,
        indicators.keltner_channel(*columns).upper,
        indicators.supertrend(*columns).line,
        indicators.vwap(few),
        indicators.rolling_vwap(few, 9),
        indicators.efficiency_ratio(few.close),
        indicators.stochastic(*columns).d,
        indicators.macd(few.close).line,
    ):
        assert values.shape == (5,)
        assert np.isnan(values).all()
    empty = few.window(0, 0)
    assert len(indicators.vwap(empty)) == len(indicators.heikin_ashi(*[empty.close] * 4).open) == 0
