"""The one average true range that sizes go by, the same live and offline."""

from decimal import Decimal

import numpy as np

from apps.core.money import stored
from apps.strategies.domain.candles import Candles
from apps.strategies.domain.indicators import atr, recursive_warmup

_PERIOD = 14
TRUE_RANGE_BARS = recursive_warmup(smoothing=1 / _PERIOD) + _PERIOD
"""How many bars it is worked out from, where they are stored: always the same window."""


def true_range_of(candles: Candles) -> Decimal | None:
    """Return Wilder's average true range over 14 bars after the newest bar, quote currency.

    Returns:
        None while there are 14 bars or fewer: the first one has no range against a close before.
    """
    window = candles.newest(TRUE_RANGE_BARS)
    ranges = atr(window.high, window.low, window.close, _PERIOD)
    if len(ranges) == 0 or np.isnan(ranges[-1]):
        return None
    return stored(Decimal(repr(float(ranges[-1]))))
