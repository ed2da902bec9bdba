"""Drives a replay to its last bar: feeds it, says how far it is, and ends it when asked to."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from apps.core.clock import wall_now
from apps.execution.models import DeploymentCursor
from apps.execution.replay.request import ReplayRefused, ReplayRequest
from apps.execution.services.sweeps import deployment_ids_due
from apps.execution.tasks import deployment_tick_task
from apps.marketdata.models import Instrument
from apps.marketdata.services import candles_store
from apps.strategies.models import Deployment, DeploymentState

FEED_BARS = 1000
AHEAD_BARS = 3000
LOOK_SECONDS = 0.1
SWEEP_SECONDS = 1.0
STALL_SECONDS = 180.0
TELL_SECONDS = 3.0


@dataclass(slots=True)
class Interruption:
    """Which signal asked the replay to end, if one did; it ends at its next step, in order."""

    name: str = ""

    def note(self, number: int) -> None:
        """Remember the signal."""
        self.name = signal.Signals(number).name

    def require_none(self, done: int) -> None:
        """Go on unless a signal asked for the end.

        Raises:
            ReplayRefused: One did.
        """
        if self.name:
            raise ReplayRefused(f"{self.name} interrupted the replay after {done} bars")


@contextmanager
def interruption_noted() -> Iterator[Interruption]:
    """Note SIGINT and SIGTERM instead of dying of them, so that what was begun is ended first."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # signals reach the main thread alone
        return
    handlers = {
        number: signal.signal(number, lambda caught, _frame: interruption.note(caught))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield interruption
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class _Progress:
    """Says every few seconds how many bars are done."""

    bars: int
    say: Callable[[str], None]
    began_at: float = field(default_factory=time.monotonic)
    told_at: float = field(default_factory=time.monotonic)

    def tell(self, done: int) -> None:
        now = time.monotonic()
        if now - self.told_at < TELL_SECONDS:
            return
        self.told_at = now
        pace = done / (now - self.began_at)
        self.say(f"{done} of {self.bars} bars, {pace:.0f} a second")


def replay_drive(
    *,
    request: ReplayRequest,
    deployment: Deployment,
    instrument: Instrument,
    queue: str,
    say: Callable[[str], None],
    interruption: Interruption,
) -> None:
    """Feed bars while the workers keep up, wake them when they sleep, wait for the last bar.

    Args:
        queue: What the workers take their tasks from.
        say: Takes a line every few seconds: how far it has come.

    Raises:
        ReplayRefused: It was interrupted, the deployment failed, or nothing moves any more.
    """
    progress = _Progress(len(request.bars), say)
    fed = 0
    seen, moved_at, swept_at = -1, time.monotonic(), 0.0
    while True:
        done = _bars_done(deployment)
        progress.tell(done)
        interruption.require_none(done)
        if done != seen:
            seen, moved_at = done, time.monotonic()
        if done >= len(request.bars):
            return
        if fed < len(request.bars) and fed - done < AHEAD_BARS:
            candles_store(
                instrument=instrument,
                timeframe=request.timeframe,
                bars=request.bars[fed : fed + FEED_BARS],
            )
            fed = min(fed + FEED_BARS, len(request.bars))
            deployment_tick_task.apply_async(args=(deployment.pk,), queue=queue)
            continue
        _alive_require(deployment, time.monotonic() - moved_at, done)
        if time.monotonic() - swept_at >= SWEEP_SECONDS:
            swept_at = time.monotonic()
            if deployment.pk in deployment_ids_due(moment=wall_now()):
                deployment_tick_task.apply_async(args=(deployment.pk,), queue=queue)
        time.sleep(LOOK_SECONDS)


def _bars_done(deployment: Deployment) -> int:
    seen = DeploymentCursor.objects.filter(deployment=deployment)
    return seen.values_list("bars_seen", flat=True).first() or 0


def _alive_require(deployment: Deployment, still_seconds: float, done: int) -> None:
    deployment.refresh_from_db(fields=["state", "state_reason"])
    if deployment.state != DeploymentState.RUNNING:
        raise ReplayRefused(
            f"the deployment is {deployment.state} after {done} bars: {deployment.state_reason}"
        )
    if still_seconds > STALL_SECONDS:
        raise ReplayRefused(
            f"no bar was dealt with for {still_seconds:.0f} seconds after {done} bars; "
            "see the workers' lines above"
        )
