"""Finds out whether the last bar of a file had closed when the file was written."""

from datetime import datetime
from typing import Any

import numpy as np

from apps.core.clock import now
from apps.marketdata.domain.calendars import TradingCalendar
from apps.marketdata.domain.quality import moment_text
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.importers.results import FINISHED, POSSIBLY_UNFINISHED, UNFINISHED


def last_bar_judge(
    opened: int,
    *,
    timeframe: Timeframe,
    calendar: TradingCalendar,
    stated_as_of: datetime | None,
    written_at: datetime,
) -> tuple[datetime, dict[str, Any]]:
    """Tell what is known of the last bar.

    Args:
        opened: Its open time, in seconds since the Unix epoch.
        stated_as_of: When the file was downloaded, as far as a person said.
        written_at: When the file says it was written; a copy carries the time of the copy.

    Returns:
        The moment by which a bar must be complete, and the finding as plain JSON values.
    """
    closes = int(calendar.closes(np.array([opened]), timeframe=timeframe)[0])
    as_of, source = _as_of(opened, closes, stated_as_of, written_at)
    if closes > as_of.timestamp():
        state = UNFINISHED
        evidence = f"it closes after {source}, {as_of:%Y-%m-%dT%H:%M:%SZ}"
    elif stated_as_of is not None:
        state, evidence = FINISHED, f"it closed before {source}"
    elif calendar.ends_session(opened, timeframe=timeframe):
        state, evidence = FINISHED, "it is the last bar of its session"
    else:
        state = POSSIBLY_UNFINISHED
        evidence = (
            "nothing in the file shows that it had closed when the file was written; "
            "give --as-of with that time to settle it"
        )
    return as_of, {
        "open_at": moment_text(opened),
        "closes_at": moment_text(closes),
        "state": state,
        "evidence": evidence,
    }


def _as_of(
    opened: int, closes: int, stated: datetime | None, written_at: datetime
) -> tuple[datetime, str]:
    """Return the moment by which bars must be complete, and where it comes from.

    A file's own time is evidence only while the last bar was forming: a later one may be a copy's.
    """
    if stated is not None:
        return stated, "the as-of time that was stated"
    if opened <= written_at.timestamp() < closes:
        return written_at, "the time at which the file was written"
    return now(), "the present"
