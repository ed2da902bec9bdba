"""Finds engaged kill switches in the database and carries them out, with nothing else running."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection

from apps.execution.services.kill_switch.carrying import kill_switch_carry_out
from apps.execution.services.sweeps import kill_switch_ids_due
from apps.risk.selectors import kill_switch_list_holding

log = logging.getLogger(__name__)

MOST_THREADS = 8
CARRY_OUT_SECONDS = 10.0
"""How long one attempt takes at most; the next look begins another."""


class KillSwitchWatch:
    """Carries each switch that is due out in a thread of its own: none waits for another's broker.

    Workers that do the same meanwhile do no harm: one process at a time carries a switch out.
    """

    def __init__(self) -> None:
        """Start with nothing under way."""
        self._pool = ThreadPoolExecutor(max_workers=MOST_THREADS)
        self._running: dict[int, Future[None]] = {}

    def look(self) -> None:
        """Begin with every switch that is due and not under way; say what went wrong before.

        Raises:
            DatabaseError: The database cannot be read.
        """
        self._ended_drop()
        for switch_id in kill_switch_ids_due():
            if switch_id not in self._running:
                self._running[switch_id] = self._pool.submit(_carry_out, switch_id)

    def close(self) -> None:
        """Let what is under way come to its end."""
        self._pool.shutdown()

    def _ended_drop(self) -> None:
        for switch_id, attempt in list(self._running.items()):
            if not attempt.done():
                continue
            del self._running[switch_id]
            if error := attempt.exception():
                log.error("kill switch %s could not be carried out", switch_id, exc_info=error)


def _carry_out(switch_id: int) -> None:
    try:
        switch = kill_switch_list_holding().filter(pk=switch_id).first()
        if switch is not None:
            kill_switch_carry_out(switch=switch, patience_seconds=CARRY_OUT_SECONDS, waits=False)
    finally:
        connection.close()
