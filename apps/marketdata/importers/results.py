"""What reading a file gives: bars, refused rows and the report of everything it met."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.marketdata.domain.quality import moment_text
from apps.marketdata.domain.types import Bar

FINISHED = "finished"
POSSIBLY_UNFINISHED = "possibly unfinished"
UNFINISHED = "unfinished"
QUARANTINED = "quarantined"


NAMED_AT_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A row that was refused: its number from 1, the reason, and its values as they stood."""

    row_number: int
    reason: str
    row: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandleArrays:
    """The good bars of a file as arrays, oldest first, each open time once.

    Attributes:
        open_at: ``(n_bars,) datetime64[us]``, UTC.
        open, high, low, close, volume: ``(n_bars,) float64``.
        quarantined: How many rows were refused.
        first_reason: Why the first of them was; empty where there is none.
    """

    open_at: NDArray[np.datetime64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    quarantined: int
    first_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a file held.

    Attributes:
        bars: The good ones, oldest first, each open time once.
        last_row: The row of the last good bar, in case that the bar is refused after all.
        quarantined: The rest, in the order of the file.
        report: Plain JSON values, as described in docs/market-data.md.
    """

    bars: list[Bar]
    last_row: QuarantinedRow
    quarantined: list[QuarantinedRow]
    report: dict[str, Any]

    def with_last_bar_finished(self, *, evidence: str) -> "ReadResult":
        """Return the result with its last bar proven to be whole."""
        last_bar = {**self.report["last_bar"], "state": FINISHED, "evidence": evidence}
        return replace(self, report={**self.report, "last_bar": last_bar})

    def with_last_bar_doubted(self, *, evidence: str) -> "ReadResult":
        """Return the result with its last bar kept, and the reason why it stays in doubt."""
        last_bar = {**self.report["last_bar"], "evidence": evidence}
        return replace(self, report={**self.report, "last_bar": last_bar})

    def with_last_bar_withheld(self, *, evidence: str) -> "ReadResult":
        """Return the result with its last bar moved to quarantine as unfinished.

        The list of bars may be empty then.
        """
        kinds = self.report["quarantined"]["by_kind"]
        bars = self.bars[:-1]
        refused = replace(self.last_row, reason=f"unfinished: {evidence}")
        quarantined = sorted([*self.quarantined, refused], key=lambda row: row.row_number)
        report = {
            **self.report,
            "bars": len(bars),
            "last_open_at": moment_text(bars[-1].open_at.timestamp()) if bars else None,
            "unfinished": self.report["unfinished"] + 1,
            "last_bar": {**self.report["last_bar"], "state": UNFINISHED, "evidence": evidence},
            "quarantined": quarantine_described(
                quarantined, {**kinds, "unfinished": kinds.get("unfinished", 0) + 1}
            ),
        }
        return replace(self, bars=bars, quarantined=quarantined, report=report)


def quarantine_described(rows: list[QuarantinedRow], kinds: dict[str, int]) -> dict[str, Any]:
    """Return how many rows were refused and why, and the first of them by name."""
    first = [{"row": row.row_number, "reason": row.reason} for row in rows[:NAMED_AT_MOST]]
    return {"rows": len(rows), "by_kind": kinds, "first": first}
