"""The strategies that come with the desk, by name."""

from typing import Any

from apps.strategies.domain.strategy import Strategy
from apps.strategies.library.bollinger_rsi import BollingerRsi
from apps.strategies.library.channel_breakout import ChannelBreakout
from apps.strategies.library.external_signals import ExternalSignals
from apps.strategies.library.liquidity_sweep import LiquiditySweep
from apps.strategies.library.moving_average_cross import MovingAverageCross
from apps.strategies.library.regime_trend import RegimeTrend
from apps.strategies.library.structure_pullback import StructurePullback
from apps.strategies.library.vwap_reversion import VwapReversion

LIBRARY: dict[str, type[Strategy[Any]]] = {
    "bollinger_rsi": BollingerRsi,
    "channel_breakout": ChannelBreakout,
    "external_signals": ExternalSignals,
    "liquidity_sweep": LiquiditySweep,
    "moving_average_cross": MovingAverageCross,
    "regime_trend": RegimeTrend,
    "structure_pullback": StructurePullback,
    "vwap_reversion": VwapReversion,
}
