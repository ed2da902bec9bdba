"""Tables of facts about a run of bars, each with the bar at whose close it became known."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
NOT_YET = -1
"""What a column that ends in ``_at`` holds while the thing has not happened."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Facts:
    """Facts in the order in which they became known. A row, once there, never changes.

    What happens to it later is in columns that end in ``_at``: the row of the bar at whose close
    that was known, or -1. Such a column may go from -1 to a row once, and stays.

    Attributes:
        known_at: ``(n_facts,) int64``, rising: the row of the bar at whose close it was known.
        later: Columns that tell more about a later happening, and the column of its bar.
    """

    later: ClassVar[dict[str, str]] = {}

    known_at: Integers

    def __len__(self) -> int:
        """Count the facts."""
        return len(self.known_at)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, each ``(n_facts,)``."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the facts that are chosen, in the same order."""
        return type(self)(**{name: values[chosen] for name, values in self.columns().items()})

    def known_before(self, bars: int) -> Self:
        """Return what was known when there were only ``bars`` bars."""
        seen = self.where(self.known_at < bars).columns()
        cut = dict(seen)
        for name, values in seen.items():
            happened = self.later.get(name, name)
            if happened.endswith("_at") and happened != "known_at":
                unseen = seen[happened].astype(np.int64) >= bars
                cut[name] = np.where(unseen, values.dtype.type(NOT_YET), values)
        return type(self)(**cut)

    def at_bars(self, values: NDArray[Any], bars: int) -> NDArray[np.float64]:
        """Spread a column over bars: the newest fact of each bar, NaN where none became known."""
        spread = np.full(bars, np.nan)
        spread[self.known_at] = values
        return spread
