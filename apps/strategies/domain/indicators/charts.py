"""Japanese charts as numbers: Heikin-Ashi candles and the Ichimoku cloud, nothing shifted back."""

from typing import NamedTuple

import numpy as np

from apps.strategies.domain.candles import Floats
from apps.strategies.domain.compiled import compiled
from apps.strategies.domain.indicators.classic import period_check
from apps.strategies.domain.indicators.ranges import highest, lowest


class HeikinAshi(NamedTuple):
    """Averaged candles, each column ``(n_bars,) float64``, oldest first."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


class Ichimoku(NamedTuple):
    """The five lines as they are known at each bar, each ``(n_bars,) float64``, oldest first.

    Attributes:
        conversion: Middle of the short range (tenkan-sen).
        base: Middle of the middle range (kijun-sen).
        span_a, span_b: The cloud that lies over this bar, worked out ``displacement`` bars ago.
        lagged_close: The close ``displacement`` bars ago. The lagging span (chikou) is drawn that
            far back on a chart; known today is only how today's close stands against this one.
    """

    conversion: Floats
    base: Floats
    span_a: Floats
    span_b: Floats
    lagged_close: Floats


def heikin_ashi(open: Floats, high: Floats, low: Floats, close: Floats) -> HeikinAshi:  # noqa: A002  the column's name
    """Average candles: the open is the middle of the averaged candle before.

    Recursive with smoothing 1/2: ``recursive_warmup(smoothing=0.5)`` bars decide the newest.

    Source: D. Valcu, Using the Heikin-Ashi Technique, Stocks & Commodities 22:2 (2004).
    """
    averaged_close = (open + high + low + close) / 4
    averaged_open = _averaged_opens(open, close, averaged_close)
    return HeikinAshi(
        averaged_open,
        np.maximum(high, np.maximum(averaged_open, averaged_close)),
        np.minimum(low, np.minimum(averaged_open, averaged_close)),
        averaged_close,
    )


def ichimoku(
    high: Floats,
    low: Floats,
    close: Floats,
    *,
    conversion: int = 9,
    base: int = 26,
    span: int = 52,
    displacement: int = 26,
) -> Ichimoku:
    """Return the Ichimoku lines; ``span + displacement`` bars decide the newest, to the last bit.

    Source: N. Elliott, Ichimoku Charts (2007), chapter 3.
    """
    period_check(displacement, least=1)
    conversion_line = (highest(high, conversion) + lowest(low, conversion)) / 2
    base_line = (highest(high, base) + lowest(low, base)) / 2
    slow = (highest(high, span) + lowest(low, span)) / 2
    return Ichimoku(
        conversion_line,
        base_line,
        _later((conversion_line + base_line) / 2, displacement),
        _later(slow, displacement),
        _later(close, displacement),
    )


def _later(values: Floats, bars: int) -> Floats:
    found = np.full(len(values), np.nan)
    found[bars:] = values[:-bars]
    return found


@compiled
def _averaged_opens(opens: Floats, closes: Floats, averaged_closes: Floats) -> Floats:
    found = np.empty(len(opens))
    for row in range(len(opens)):
        if row == 0:
            found[row] = (opens[row] + closes[row]) / 2
        else:
            found[row] = (found[row - 1] + averaged_closes[row - 1]) / 2
    return found
