"""A Gaussian hidden Markov model: fitted by expectation and maximisation, read forwards alone.

Reading backwards too (smoothing, Viterbi) gives nicer pictures of the past, and looks ahead: what a
bar was would depend on bars after it. So a probability here is that of the forward pass.

Source: L. R. Rabiner, A Tutorial on Hidden Markov Models, Proceedings of the IEEE 77:2 (1989),
sections III and V.A, with the scaling of V.A.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.compiled import compiled

Matrix = NDArray[np.float64]

_STICKY = 0.95
"""How likely a state is to last a bar, to begin with."""
_LEAST_VARIANCE = 1e-3
"""Of the variance of all bars: what a state's own may not fall below, lest it fit one bar alone."""


class MarkovModel(NamedTuple):
    """States by rising mean of the last feature, quiet first.

    Attributes:
        start: ``(n_states,)``, probability of each state at the first bar.
        move: ``(n_states, n_states)``, probability to go from row to column with each bar.
        mean, variance: ``(n_states, n_features)``.
    """

    start: Floats
    move: Matrix
    mean: Matrix
    variance: Matrix


def model_fit(
    features: Matrix, *, states: int = 2, rounds: int = 50, tolerance: float = 1e-6
) -> tuple[MarkovModel, Floats]:
    """Fit a model to a stretch of bars. No chance is involved: the same bars give the same model.

    Args:
        features: ``(n_bars, n_features)``, oldest first; the last one tells volatility.
        states: How many.
        rounds: How many passes at most.
        tolerance: Stop once the log-likelihood a bar grows by less.

    Returns:
        The model, and the log-likelihood after each pass, which never falls but for the prior.

    Raises:
        ValueError: There are fewer than ten bars a state, or a value is not finite.
    """
    if len(features) < 10 * states or not np.isfinite(features).all():
        raise ValueError(
            f"a model of {states} states needs {10 * states} bars of finite numbers, "
            f"got {len(features)}"
        )
    floor = _LEAST_VARIANCE * features.var(axis=0) + 1e-18
    model, history = _fitted(
        features, _beginning(features, states, floor), floor, rounds, tolerance
    )
    order = np.argsort(model[2][:, -1], kind="stable")
    start, move, mean, variance = model
    return (
        MarkovModel(start[order], move[order][:, order], mean[order], variance[order]),
        history,
    )


def states_filtered(features: Matrix, model: MarkovModel) -> Matrix:
    """Return the probability of each state after each bar, given that bar and those before.

    Args:
        features: ``(n_bars, n_features)``, oldest first.
        model: What ``model_fit`` found.

    Returns:
        ``(n_bars, n_states)``; each row adds up to 1.
    """
    densities, _ = _densities(features, model.mean, model.variance)
    probability, _ = _forward(densities, model.start, model.move)
    return probability


def _beginning(
    features: Matrix, states: int, floor: Floats
) -> tuple[Floats, Matrix, Matrix, Matrix]:
    """Cut the bars into as many parts as states by the last feature, and describe each."""
    order = np.argsort(features[:, -1], kind="stable")
    parts = [features[rows] for rows in np.array_split(order, states)]
    mean = np.array([part.mean(axis=0) for part in parts])
    variance = np.array([np.maximum(part.var(axis=0), floor) for part in parts])
    move = np.full((states, states), (1 - _STICKY) / max(states - 1, 1))
    np.fill_diagonal(move, _STICKY if states > 1 else 1.0)
    return np.full(states, 1 / states), move, mean, variance


@compiled
def _fitted(
    features: Matrix,
    model: tuple[Floats, Matrix, Matrix, Matrix],
    floor: Floats,
    rounds: int,
    tolerance: float,
) -> tuple[tuple[Floats, Matrix, Matrix, Matrix], Floats]:
    start, move, mean, variance = (
        model[0].copy(),
        model[1].copy(),
        model[2].copy(),
        model[3].copy(),
    )
    history = np.full(rounds, np.nan)
    done = 0
    for done in range(rounds):
        densities, logs = _densities(features, mean, variance)
        forward, scale = _forward(densities, start, move)
        history[done] = np.sum(np.log(scale)) + logs
        if done and history[done] - history[done - 1] < tolerance * len(features):
            break
        weights, moves = _backward(densities, forward, scale, move)
        start, move = weights[0].copy(), _moves(moves)
        mean, variance = _moments(features, weights, floor)
    return (start, move, mean, variance), history[: done + 1]


@compiled
def _densities(features: Matrix, mean: Matrix, variance: Matrix) -> tuple[Matrix, float]:
    """Return densities, of each bar the highest as 1, and the sum of the logarithms of those."""
    bars, states = len(features), len(mean)
    found, logs = np.empty((bars, states)), 0.0
    for row in range(bars):
        highest = -np.inf
        for state in range(states):
            total = 0.0
            for each in range(features.shape[1]):
                away = features[row, each] - mean[state, each]
                total -= 0.5 * (away * away / variance[state, each])
                total -= 0.5 * np.log(2 * np.pi * variance[state, each])
            found[row, state] = total
            highest = max(highest, total)
        logs += highest
        for state in range(states):
            found[row, state] = np.exp(found[row, state] - highest)
    return found, logs


@compiled
def _forward(densities: Matrix, start: Floats, move: Matrix) -> tuple[Matrix, Floats]:
    """Return probabilities given the bars so far, and what each row was divided by."""
    bars, states = densities.shape
    found, scale = np.empty((bars, states)), np.empty(bars)
    for row in range(bars):
        total = 0.0
        for state in range(states):
            expected = start[state]
            if row:
                expected = 0.0
                for before in range(states):
                    expected += found[row - 1, before] * move[before, state]
            found[row, state] = expected * densities[row, state]
            total += found[row, state]
        scale[row] = max(total, 1e-300)
        for state in range(states):
            found[row, state] /= scale[row]
    return found, scale


@compiled
def _backward(
    densities: Matrix, forward: Matrix, scale: Floats, move: Matrix
) -> tuple[Matrix, Matrix]:
    """Return the weight of each state at each bar, and of each move over all, for fitting alone."""
    bars, states = densities.shape
    weights, moves = np.empty((bars, states)), np.zeros((states, states))
    after, ahead = np.ones(states), np.empty(states)
    weights[bars - 1] = forward[bars - 1]
    for row in range(bars - 2, -1, -1):
        for state in range(states):
            ahead[state] = densities[row + 1, state] * after[state] / scale[row + 1]
        for state in range(states):
            total = 0.0
            for following in range(states):
                part = move[state, following] * ahead[following]
                moves[state, following] += forward[row, state] * part
                total += part
            after[state] = total
        weights[row] = forward[row] * after
    return weights, moves


@compiled
def _moves(moves: Matrix) -> Matrix:
    """Turn counts into probabilities; one bar that stayed and one that went are added to each."""
    found = moves + 1.0
    for state in range(len(found)):
        found[state] /= np.sum(found[state])
    return found


@compiled
def _moments(features: Matrix, weights: Matrix, floor: Floats) -> tuple[Matrix, Matrix]:
    bars, kinds = features.shape
    states = weights.shape[1]
    mean, variance = np.zeros((states, kinds)), np.zeros((states, kinds))
    for state in range(states):
        weight = max(np.sum(weights[:, state]), 1e-12)
        for each in range(kinds):
            for row in range(bars):
                mean[state, each] += weights[row, state] * features[row, each] / weight
            for row in range(bars):
                away = features[row, each] - mean[state, each]
                variance[state, each] += weights[row, state] * away * away / weight
            variance[state, each] = max(variance[state, each], floor[each])
    return mean, variance
