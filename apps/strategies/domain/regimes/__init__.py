"""In which regime a market is: a transparent rule, and a model that learns from bars before."""

from apps.strategies.domain.regimes.hidden_markov import MarkovModel, model_fit, states_filtered
from apps.strategies.domain.regimes.rule import RegimeRule, Regimes, regimes_by_rule
from apps.strategies.domain.regimes.walk_forward import (
    HiddenRegimes,
    WalkForward,
    regimes_hidden,
)

__all__ = [
    "HiddenRegimes",
    "MarkovModel",
    "RegimeRule",
    "Regimes",
    "WalkForward",
    "model_fit",
    "regimes_by_rule",
    "regimes_hidden",
    "states_filtered",
]
