"""The strategies that come with the desk, by name."""

from typing import Any

from apps.strategies.domain.strategy import Strategy
from apps.strategies.library.bollinger_rsi import BollingerRsi
from apps.strategies.library.external_signals import ExternalSignals
from apps.strategies.library.moving_average_cross import MovingAverageCross

LIBRARY: dict[str, type[Strategy[Any]]] = {
    "bollinger_rsi": BollingerRsi,
    "external_signals": ExternalSignals,
    "moving_average_cross": MovingAverageCross,
}
