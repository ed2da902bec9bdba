"""Average prices weighted by volume: since a session began, or over a window."""

import numpy as np

from apps.strategies.domain.candles import Candles, Floats
from apps.strategies.domain.indicators.classic import Bands, period_check, window_sums
from apps.strategies.domain.periods import Period, period_ids, period_spans


def vwap(
    candles: Candles, *, anchor: Period = "1d", zone: str = "UTC", starts: str = "00:00"
) -> Floats:
    """Return the volume-weighted average of (high + low + close) / 3 since the session began.

    Args:
        candles: Bars, oldest first.
        anchor: What begins it anew: ``1d``, ``1w``, ``1M`` or some hours.
        zone: Whose clock counts, such as ``Asia/Kolkata``.
        starts: Local time at which a day begins.

    Returns:
        ``(n_bars,) float64``; NaN in the first session, whose beginning may be cut off, and until
        a session has its first volume. One session and a bar decide the newest value.
    """
    return vwap_bands(candles, anchor=anchor, zone=zone, starts=starts).middle


def vwap_bands(
    candles: Candles,
    *,
    anchor: Period = "1d",
    zone: str = "UTC",
    starts: str = "00:00",
    deviations: float = 1.0,
) -> Bands:
    """Return the VWAP of the session with bands of the volume-weighted standard deviation."""
    count = len(candles)
    middle, width = np.full(count, np.nan), np.full(count, np.nan)
    price = _typical(candles)
    ids = period_ids(candles.open_at, period=anchor, zone=zone, starts=starts)
    for start, stop in period_spans(ids):
        weight = np.cumsum(candles.volume[start:stop])
        distance = price[start:stop] - price[start]  # so that squares do not cancel
        moved = candles.volume[start:stop] * distance
        mean, square = _ratio(np.cumsum(moved), weight), _ratio(np.cumsum(moved * distance), weight)
        middle[start:stop] = price[start] + mean
        width[start:stop] = deviations * np.sqrt(np.maximum(square - mean * mean, 0))
    return Bands(middle + width, middle, middle - width)


def rolling_vwap(candles: Candles, period: int) -> Floats:
    """Return the volume-weighted average price of the last ``period`` bars, to the last bit."""
    period_check(period, least=1)
    found = np.full(len(candles), np.nan)
    if len(candles) >= period:
        traded = window_sums(_typical(candles) * candles.volume, period)
        found[period - 1 :] = _ratio(traded, window_sums(candles.volume, period))
    return found


def _typical(candles: Candles) -> Floats:
    return (candles.high + candles.low + candles.close) / 3


def _ratio(above: Floats, below: Floats) -> Floats:
    found = np.full(len(above), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found
