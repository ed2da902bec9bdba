"""Regimes: what the rule says, what the model learns, and that neither knows the future."""

from itertools import product

import numpy as np
import pytest

from apps.strategies.domain.candles import Candles, CandlesUnusable
from apps.strategies.domain.regimes import (
    MarkovModel,
    RegimeRule,
    WalkForward,
    model_fit,
    regimes_by_rule,
    regimes_hidden,
    states_filtered,
)
from tests.strategies.markets import candles, candles_of
from tests.strategies.real_bars import bybit_candles

RULE = RegimeRule(trend_bars=10, efficiency=0.5, range_bars=3, rank_bars=20)


def market_of(closes: np.ndarray, widths: np.ndarray) -> Candles:
    found = candles_of(*closes)
    return Candles(
        found.open_at,
        found.open,
        found.close + widths,
        found.close - widths,
        found.close,
        found.volume,
        bar_seconds=300,
    )


def test_a_straight_way_is_a_trend_and_a_way_back_and_forth_is_a_range() -> None:
    up, still = np.arange(100.0, 130), 100 + np.arange(30) % 2
    flat = np.full(30, 0.1)
    assert set(regimes_by_rule(market_of(up, flat), RULE).trend[10:]) == {1}
    assert set(regimes_by_rule(market_of(up[::-1], flat), RULE).trend[10:]) == {-1}
    assert set(regimes_by_rule(market_of(still, flat), RULE).trend[10:]) == {0}
    assert np.isnan(regimes_by_rule(market_of(up, flat), RULE).trend[:10]).all()


def test_volatility_is_ranked_among_the_bars_before_it() -> None:
    widths = np.full(60, 1.0)
    widths[40:44], widths[50:] = 3.0, 0.2
    found = regimes_by_rule(market_of(np.full(60, 100.0), widths), RULE)
    assert found.volatility[39] == 0, "where all are equal, none is wild"
    assert found.volatility[43] == 1
    assert found.volatility[55] == -1
    assert np.isnan(found.volatility[: RULE.range_bars + RULE.rank_bars - 1]).all()


def test_the_warm_up_of_the_rule_decides_its_answer_to_the_last_bit() -> None:
    market, bars = candles(800), RULE.warmup_bars
    whole = regimes_by_rule(market, RULE)
    for row in range(100, 800, 37):
        live = regimes_by_rule(market.window(row + 1 - bars, row + 1), RULE)
        assert (live.trend[-1], live.rank[-1]) == (whole.trend[row], whole.rank[row])


def drawn(bars: int, *, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw bars of a market that is quiet for a while and then wild for a while."""
    chance = np.random.default_rng(seed)
    state = np.zeros(bars, dtype=int)
    for row in range(1, bars):
        state[row] = state[row - 1] if chance.random() < 0.97 else 1 - state[row - 1]
    deviation = np.where(state == 0, 0.5, 2.0)
    features = np.column_stack(
        (chance.normal(0, deviation), chance.normal(np.where(state == 0, -1, 1), 0.7))
    )
    return features, state


def test_the_model_finds_the_states_that_made_the_bars() -> None:
    features, state = drawn(4000)
    model, history = model_fit(features, states=2)
    assert model.mean[:, 1] == pytest.approx([-1, 1], abs=0.15)
    assert np.sqrt(model.variance[:, 0]) == pytest.approx([0.5, 2.0], abs=0.15)
    assert np.diag(model.move) == pytest.approx([0.97, 0.97], abs=0.02)
    assert np.diff(history).min() > -0.5, "no pass makes the bars less likely, but for the prior"
    likeliest = np.argmax(states_filtered(features, model), axis=1)
    assert (likeliest == state).mean() > 0.95


def test_filtered_probabilities_are_those_of_all_paths_added_up() -> None:
    features = np.random.default_rng(1).normal(size=(6, 2))
    model = MarkovModel(
        np.array([0.3, 0.7]),
        np.array([[0.9, 0.1], [0.2, 0.8]]),
        np.array([[0.0, 0.5], [0.3, -0.5]]),
        np.array([[1.0, 0.4], [2.0, 0.9]]),
    )

    def likelihood(path: tuple[int, ...]) -> float:
        total = model.start[path[0]]
        for row, state in enumerate(path):
            away = features[row] - model.mean[state]
            variance = model.variance[state]
            total *= np.prod(np.exp(-0.5 * away**2 / variance) / np.sqrt(2 * np.pi * variance))
            if row:
                total *= model.move[path[row - 1], state]
        return float(total)

    found = states_filtered(features, model)
    for upto in range(1, 7):
        weights = np.zeros(2)
        for path in product((0, 1), repeat=upto):
            weights[path[-1]] += likelihood(path)
        assert found[upto - 1] == pytest.approx(weights / weights.sum(), rel=1e-12)


def test_quiet_comes_before_wild_on_real_bars() -> None:
    market = bybit_candles("BTC").window(0, 6000)
    found = regimes_hidden(market, WalkForward(fit_bars=800, refit_bars=400))
    known = ~np.isnan(found.state)
    assert known[2000:].all()
    assert found.probability[known].sum(axis=1) == pytest.approx(1)
    ranges = (market.high - market.low) / market.close
    assert ranges[found.state == 1].mean() > 1.5 * ranges[found.state == 0].mean()


def test_a_window_of_the_warm_up_has_the_same_model_as_the_whole_history() -> None:
    plan = WalkForward(fit_bars=300, refit_bars=100)
    market = bybit_candles("BTC").window(0, 3000)
    whole = regimes_hidden(market, plan)
    for row in range(600, 3000, 211):
        live = regimes_hidden(market.window(row + 1 - plan.warmup_bars, row + 1), plan)
        np.testing.assert_array_equal(live.probability[-1], whole.probability[row])


def test_bars_that_stand_still_and_too_few_bars_are_no_error() -> None:
    plan = WalkForward(fit_bars=60, refit_bars=30)
    still = regimes_hidden(market_of(np.full(200, 5.0), np.zeros(200)), plan)
    assert np.isfinite(still.probability[120:]).all()
    assert np.isnan(regimes_hidden(market_of(np.full(20, 5.0), np.zeros(20)), plan).state).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 20 bars of finite numbers, got 19"):
        model_fit(np.zeros((19, 2)), states=2)
    with pytest.raises(ValueError, match="finite numbers"):
        model_fit(np.full((50, 2), np.nan), states=2)
    with pytest.raises(CandlesUnusable, match="do not say how long their bars are"):
        regimes_hidden(candles_of(1, 2, 3))
