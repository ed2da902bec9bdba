"""Reads the bars that a deployment has not dealt with, in the order of time."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from apps.execution.models import DeploymentCursor
from apps.execution.selectors import cursors_of
from apps.execution.services.runs import DeploymentRun
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_latest, candle_list_after, candle_list_until
from apps.strategies.domain.candles import Candles

CHUNK_BARS = 500


@dataclass(frozen=True, slots=True)
class DueBar:
    """A finished bar with the candles that its strategy looks at, the bar being the last."""

    instrument: Instrument
    bar: Bar
    candles: Candles


def cursors_begin(*, run: DeploymentRun) -> None:
    """Let a deployment that starts anew begin after the newest bar that is there already."""
    known = cursors_of(deployment=run.deployment)
    for instrument in run.instruments:
        if instrument.pk in known:
            continue
        latest = candle_latest(instrument=instrument, timeframe=run.deployment.timeframe)
        if latest is not None:
            DeploymentCursor.objects.get_or_create(
                deployment=run.deployment,
                instrument=instrument,
                defaults={"bar_open_at": latest.open_at},
            )


def bars_due(*, run: DeploymentRun) -> Iterator[DueBar]:
    """Yield the bars to deal with, oldest first across instruments, a chunk of each at most.

    Where there are more of an instrument than a chunk holds, the others wait where its chunk ends:
    no bar is dealt with before one that closed earlier.
    """
    cursors = cursors_of(deployment=run.deployment)
    fresh = {
        instrument: _fresh_bars(run, instrument, cursors[instrument.pk])
        for instrument in run.instruments
        if instrument.pk in cursors
    }
    ends = [bars[-1].close_at for bars in fresh.values() if len(bars) == CHUNK_BARS]
    horizon = min(ends, default=None)
    streams = [
        _due_bars(run, instrument, cursors[instrument.pk], bars)
        for instrument, bars in fresh.items()
        if bars
    ]
    for due in heapq.merge(*streams, key=lambda due: (due.bar.close_at, due.instrument.symbol)):
        if horizon is not None and due.bar.close_at > horizon:
            return
        yield due


def _fresh_bars(run: DeploymentRun, instrument: Instrument, cursor: datetime) -> list[Bar]:
    return candle_list_after(
        instrument=instrument,
        timeframe=run.deployment.timeframe,
        after=cursor,
        limit=CHUNK_BARS,
    )


def _due_bars(
    run: DeploymentRun, instrument: Instrument, cursor: datetime, fresh: list[Bar]
) -> Iterator[DueBar]:
    warmup = run.strategy.warmup_bars
    earlier = candle_list_until(
        instrument=instrument,
        timeframe=run.deployment.timeframe,
        until=cursor,
        count=max(warmup - 1, 0),
    )
    candles = Candles.from_bars([*earlier, *fresh])
    for index, bar in enumerate(fresh, start=len(earlier) + 1):
        yield DueBar(instrument, bar, candles.window(max(index - warmup, 0), index))
