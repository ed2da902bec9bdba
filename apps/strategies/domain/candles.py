"""Bars as arrays, so that one bar live and a million bars offline go through the same code."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.marketdata.domain.types import Bar

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]

OPEN_AT_DTYPE = np.dtype("datetime64[us]")


class CandlesUnusable(ValueError):
    """The arrays do not make a run of candles."""


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """A run of finished bars of one instrument and timeframe, oldest first, read-only.

    Attributes:
        open_at: ``(n_bars,) datetime64[us]``, UTC, strictly rising.
        open, high, low, close: ``(n_bars,) float64``, in the instrument's quote currency.
        volume: ``(n_bars,) float64``, units traded.
        bar_seconds: Length of a bar; None where nobody has said it.
    """

    open_at: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    bar_seconds: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Take read-only views, so that no strategy can alter what others see.

        Raises:
            CandlesUnusable: A column has another length or type than it should.
        """
        count = len(self.open_at)
        for column in _COLUMNS:
            array = getattr(self, column)
            expected = OPEN_AT_DTYPE if column == "open_at" else _FLOAT
            if array.dtype != expected or array.shape != (count,):
                raise CandlesUnusable(
                    f"candles need {column} as {count} values of {expected}, "
                    f"got {array.dtype} of shape {array.shape}"
                )
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, column, view)

    @classmethod
    def from_bars(cls, bars: Sequence[Bar]) -> "Candles":
        """Build candles from bars, oldest first.

        Raises:
            CandlesUnusable: The bars do not rise in time.
        """
        times = [bar.open_at.astimezone(UTC).replace(tzinfo=None) for bar in bars]
        for earlier, later in pairwise(times):
            if later <= earlier:
                raise CandlesUnusable(
                    f"bars must rise in time, but {later:%Y-%m-%d %H:%M} follows "
                    f"{earlier:%Y-%m-%d %H:%M}; sort them and drop duplicates"
                )
        return cls(
            np.array(times, dtype=OPEN_AT_DTYPE),
            _floats([bar.open for bar in bars]),
            _floats([bar.high for bar in bars]),
            _floats([bar.low for bar in bars]),
            _floats([bar.close for bar in bars]),
            _floats([bar.volume for bar in bars]),
            bar_seconds=_length(bars),
        )

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.open_at)

    def window(self, start: int, stop: int) -> "Candles":
        """Return bars ``start`` up to, without, ``stop``, as views of the same memory."""
        columns = (getattr(self, column)[start:stop] for column in _COLUMNS)
        return Candles(*columns, bar_seconds=self.bar_seconds)

    def newest(self, count: int) -> "Candles":
        """Return the last ``count`` bars, or all where there are fewer."""
        return self if count >= len(self) else self.window(len(self) - count, len(self))

    def with_bar(self, bar: Bar, *, keep: int) -> "Candles":
        """Return the newest ``keep`` bars after ``bar`` is added: a window that rolls on.

        Raises:
            CandlesUnusable: The bar does not come after the last one.
            ValueError: ``keep`` is less than one.
        """
        if keep < 1:
            raise ValueError(f"keep must be at least 1 bar, was {keep}")
        newest = Candles.from_bars([bar])
        if len(self) and newest.open_at[0] <= self.open_at[-1]:
            raise CandlesUnusable(
                f"bar {bar.open_at:%Y-%m-%d %H:%M} does not come after the last one, "
                f"{self.open_at[-1]}"
            )
        start = max(0, len(self) + 1 - keep)
        return Candles(
            *(
                np.concatenate((getattr(self, column)[start:], getattr(newest, column)))
                for column in _COLUMNS
            ),
            bar_seconds=newest.bar_seconds if self.bar_seconds is None else self.bar_seconds,
        )


_COLUMNS = tuple(each.name for each in fields(Candles) if not each.kw_only)
_FLOAT = np.dtype(np.float64)


def _floats(values: Sequence[Any]) -> Floats:
    return np.array([float(value) for value in values], dtype=np.float64)


def _length(bars: Sequence[Bar]) -> int | None:
    """Return how long the bars are, in seconds; None where there is none or they differ."""
    lengths = {bar.close_at - bar.open_at for bar in bars}
    return int(lengths.pop().total_seconds()) if len(lengths) == 1 else None
