"""Indicators behind one typed face; each says how many bars decide its newest value.

TA-Lib computes what it has; the rest is here. Every function takes and returns
``(n_bars,) float64``, oldest first, and looks at no bar after its row. Rows that lack history are
NaN. What remembers for ever says so, and ``recursive_warmup`` counts how long it matters.
"""

from apps.strategies.domain.indicators.channels import (
    atr_bands,
    chandelier_stops,
    donchian_channel,
    keltner_channel,
)
from apps.strategies.domain.indicators.charts import (
    HeikinAshi,
    Ichimoku,
    heikin_ashi,
    ichimoku,
)
from apps.strategies.domain.indicators.classic import (
    Bands,
    adx,
    atr,
    bollinger_bands,
    ema,
    recursive_warmup,
    rsi,
    sma,
)
from apps.strategies.domain.indicators.momentum import (
    Macd,
    Stochastic,
    efficiency_ratio,
    macd,
    rate_of_change,
    stochastic,
)
from apps.strategies.domain.indicators.ranges import average_range, highest, lowest, true_range
from apps.strategies.domain.indicators.supertrend import SuperTrend, supertrend
from apps.strategies.domain.indicators.vwap import rolling_vwap, vwap, vwap_bands

__all__ = [
    "Bands",
    "HeikinAshi",
    "Ichimoku",
    "Macd",
    "Stochastic",
    "SuperTrend",
    "adx",
    "atr",
    "atr_bands",
    "average_range",
    "bollinger_bands",
    "chandelier_stops",
    "donchian_channel",
    "efficiency_ratio",
    "ema",
    "heikin_ashi",
    "highest",
    "ichimoku",
    "keltner_channel",
    "lowest",
    "macd",
    "rate_of_change",
    "recursive_warmup",
    "rolling_vwap",
    "rsi",
    "sma",
    "stochastic",
    "supertrend",
    "true_range",
    "vwap",
    "vwap_bands",
]
