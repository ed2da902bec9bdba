"""Higher timeframes out of the bars at hand, without a look at what is not finished yet."""

import numpy as np

from apps.marketdata.domain.timeframes import Timeframe
from apps.strategies.domain.candles import OPEN_AT_DTYPE, Candles, CandlesUnusable, Floats

_MICROSECONDS = 1_000_000


def resampled(candles: Candles, timeframe: str) -> Candles:
    """Return the finished bars of a higher timeframe, oldest first.

    A bar is finished once the last of ``candles`` has closed at or after its end; the one that is
    still forming is left out. So is the first one where its beginning is not at hand. Where base
    bars are missing inside, it is made of those that there are.

    Args:
        timeframe: Such as ``1h``; a whole number of the candles' own bars.

    Raises:
        CandlesUnusable: The candles do not say how long their bars are, do not lie on the grid of
            that length, or do not fill a bar of ``timeframe`` evenly.
    """
    base, step = _base_seconds(candles), Timeframe(timeframe).seconds
    if step % base:
        raise CandlesUnusable(
            f"bars of {base} s do not make bars of {timeframe}; choose a whole multiple"
        )
    opens = candles.open_at.astype(np.int64)
    if (opens % (base * _MICROSECONDS)).any():
        raise CandlesUnusable(f"bars of {base} s must open on whole multiples of that since 1970")
    slots = opens // (step * _MICROSECONDS)
    starts = np.flatnonzero(np.diff(slots, prepend=-1))
    if len(starts) == 0:
        return candles.window(0, 0)
    finished = slots[starts] < (opens[-1] + base * _MICROSECONDS) // (step * _MICROSECONDS)
    finished[0] &= opens[0] == slots[0] * step * _MICROSECONDS
    lasts = np.append(starts[1:], len(opens)) - 1
    return Candles(
        (slots[starts] * step * _MICROSECONDS)[finished].astype(OPEN_AT_DTYPE),
        candles.open[starts][finished],
        np.maximum.reduceat(candles.high, starts)[finished],
        np.minimum.reduceat(candles.low, starts)[finished],
        candles.close[lasts][finished],
        np.add.reduceat(candles.volume, starts)[finished],
        bar_seconds=step,
    )


def aligned(values: Floats, *, higher: Candles, candles: Candles) -> Floats:
    """Give each bar the value of the newest higher bar that was finished when it closed.

    Args:
        values: ``(n_higher,) float64``, one for each bar of ``higher``.
        higher: What ``resampled`` made of ``candles``.
        candles: The bars to give values to.

    Returns:
        ``(n_bars,) float64``; NaN before the first higher bar was finished. The value of a bar
        stays the same whatever bars come later.
    """
    ends = higher.open_at.astype(np.int64) + _base_seconds(higher) * _MICROSECONDS
    closes = candles.open_at.astype(np.int64) + _base_seconds(candles) * _MICROSECONDS
    newest = np.searchsorted(ends, closes, side="right") - 1
    padded = np.append(values, np.nan)  # index -1, of no bar at all, reads the NaN
    return padded[newest]


def higher_warmup(*, timeframe: str, bars: int, base: str) -> int:
    """Count the base bars that hold ``bars`` finished bars of a higher timeframe at any moment.

    That is one higher bar more, short of a base bar: the newest is forming, the oldest cut off.
    """
    return (bars + 1) * (Timeframe(timeframe).seconds // Timeframe(base).seconds) - 1


def _base_seconds(candles: Candles) -> int:
    if candles.bar_seconds is None:
        raise CandlesUnusable("these candles do not say how long their bars are; make them of bars")
    return candles.bar_seconds
