"""Hidden regimes read bar by bar, by models that were fitted on bars before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.strategies.domain.candles import Candles, CandlesUnusable, Floats
from apps.strategies.domain.facts import Integers
from apps.strategies.domain.periods import period_spans
from apps.strategies.domain.regimes.hidden_markov import Matrix, model_fit, states_filtered

_MICROSECONDS = 1_000_000
_NARROWEST = 1e-6  # of the price; a bar without range has no logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """How models are fitted.

    Attributes:
        states: How many regimes.
        fit_bars: On how many bars before its first one a model is fitted.
        refit_bars: After how many bars, by the clock, a new one takes over.
    """

    states: int = 2
    fit_bars: int = 1000
    refit_bars: int = 250

    @property
    def warmup_bars(self) -> int:
        """Bars that decide the newest probability, to the last bit."""
        return self.fit_bars + self.refit_bars + 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class HiddenRegimes:
    """The regime after each bar as the model of the time saw it; NaN before the first model.

    Attributes:
        probability: ``(n_bars, n_states) float64``, oldest first, quiet states first.
        state: ``(n_bars,) float64``, the likeliest one.
    """

    probability: Matrix
    state: Floats


def regimes_hidden(candles: Candles, plan: WalkForward | None = None) -> HiddenRegimes:
    """Read hidden regimes with a Gaussian hidden Markov model, fitted walk-forward.

    A bar is described by its logarithmic return and the logarithm of its range. A model takes over
    at the first bar of each ``refit_bars`` of the clock, is fitted on the ``fit_bars`` before that
    one, and reads them and its own bars forwards. Since the clock decides, a window of bars has
    the same models as the whole history.

    Raises:
        CandlesUnusable: The candles do not say how long their bars are.
    """
    chosen = WalkForward() if plan is None else plan
    bars = len(candles)
    probability = np.full((bars, chosen.states), np.nan)
    features = _features(candles)
    for start, stop in period_spans(_stretches(candles, chosen.refit_bars)):
        first = start - chosen.fit_bars
        if first < 1:  # the first bar has no return
            continue
        model, _ = model_fit(features[first:start], states=chosen.states)
        probability[start:stop] = states_filtered(features[first:stop], model)[chosen.fit_bars :]
    known: NDArray[np.bool_] = ~np.isnan(probability[:, 0])
    state = np.full(bars, np.nan)
    state[known] = np.argmax(probability[known], axis=1)
    return HiddenRegimes(probability=probability, state=state)


def _features(candles: Candles) -> Matrix:
    features = np.full((len(candles), 2), np.nan)
    features[1:, 0] = np.diff(np.log(candles.close))
    width = (candles.high - candles.low) / candles.close
    features[:, 1] = np.log(np.maximum(width, _NARROWEST))
    return features


def _stretches(candles: Candles, refit_bars: int) -> Integers:
    """Give each bar the number of the stretch of the clock for which one model holds."""
    if candles.bar_seconds is None:
        raise CandlesUnusable("these candles do not say how long their bars are; make them of bars")
    stretch = candles.bar_seconds * _MICROSECONDS * refit_bars
    numbers: Integers = candles.open_at.astype(np.int64) // stretch
    return numbers
