"""Notes how far a deployment has come: at once after a bar that did something, else together."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from apps.execution.services.leases import cursor_advance

NOTE_SECONDS = 0.25


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a worker knows of its way that the database does not say yet.

    Losing it costs nothing but time: bars on which no order rested, no report came and nothing
    was decided are dealt with again and are as quiet as before. Only these may wait; the cursor
    stands right before a bar by the time that anything of the bar is written.

    Attributes:
        reports_cursor: How far the broker's reports were recorded when last looked; None: unknown.
    """

    deployment_id: int
    epoch: int
    reports_cursor: str | None = None
    _quiet: dict[int, tuple[datetime, int]] = field(default_factory=dict)
    _noted_at: float = field(default_factory=time.monotonic)

    def bar_done(self, *, instrument_id: int, bar_open_at: datetime, is_quiet: bool) -> None:
        """Count a bar as dealt with; a quiet one waits for others, a quarter second at most.

        Args:
            is_quiet: The bar changed nothing, and dealing with it later changes nothing either.

        Raises:
            LeaseLost: Another worker runs the deployment; nothing is written.
        """
        _, bars = self._quiet.get(instrument_id, (bar_open_at, 0))
        self._quiet[instrument_id] = (bar_open_at, bars + 1)
        if not is_quiet or time.monotonic() - self._noted_at >= NOTE_SECONDS:
            self.note()

    def note(self) -> None:
        """Move the cursors over every bar that is dealt with, and renew the lease.

        Raises:
            LeaseLost: Another worker runs the deployment; nothing is written.
        """
        for instrument_id, (bar_open_at, bars) in self._quiet.items():
            cursor_advance(
                deployment_id=self.deployment_id,
                instrument_id=instrument_id,
                epoch=self.epoch,
                bar_open_at=bar_open_at,
                bars=bars,
            )
        self._quiet.clear()
        self._noted_at = time.monotonic()
