"""Plays the running feeds: new bars to the database, deployments woken, nobody left behind."""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime

from apps.brokers.registry import gateway_for
from apps.brokers.selectors import paper_account_list_resting
from apps.brokers.services import market_play
from apps.core.clock import standing_at
from apps.execution.models import DeploymentCursor
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Feed, FeedState, Instrument
from apps.marketdata.services import feed_advance
from apps.reconciliation.services import reports_intake
from apps.strategies.models import Deployment, DeploymentState

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
REFUSED_SECONDS = 10.0
BURST_BARS = 50


@dataclass(slots=True)
class FeedPace:
    """When each feed may give its next bar (monotonic seconds), and who is waited for."""

    next_at: dict[int, float] = field(default_factory=dict)
    waits_until: dict[int, float] = field(default_factory=dict)


def feeds_play(*, pace: FeedPace) -> list[int]:
    """Give every running feed that is due its next bars.

    A feed waits, for two seconds at most, until the running deployments have dealt with the bar
    before: in a simulation the market does not run away from the desk. One that cannot be played
    is left alone for a while; the others go on.

    Returns:
        Ids of the deployments to wake.
    """
    awake: list[int] = []
    for feed in Feed.objects.filter(state=FeedState.RUNNING).select_related("instrument"):
        moment = time.monotonic()
        if moment < pace.next_at.get(feed.pk, 0.0):
            continue
        deployments = _deployments_on(feed)
        if _is_waited_for(feed, deployments, pace, moment):
            continue
        try:
            bars = feed_advance(feed=feed, count=1 if feed.bars_per_second > 0 else BURST_BARS)
        except MarketDataRefused as refusal:
            log.warning("a feed cannot be played: %s", refusal)
            pace.next_at[feed.pk] = moment + REFUSED_SECONDS
            continue
        _pace_set(pace, feed, moment)
        for bar in bars:
            _idle_accounts_play(instrument=feed.instrument, bar=bar)
        if bars:
            awake += [deployment.pk for deployment in deployments]
    return awake


def _deployments_on(feed: Feed) -> list[Deployment]:
    return list(
        Deployment.objects.filter(
            state=DeploymentState.RUNNING, instruments=feed.instrument, timeframe=feed.timeframe
        )
    )


def _pace_set(pace: FeedPace, feed: Feed, moment: float) -> None:
    interval = 1 / feed.bars_per_second if feed.bars_per_second > 0 else 0.0
    due = pace.next_at.get(feed.pk, moment) + interval
    # After a pause the feed goes on at its pace; it does not hurry to make up for it
    pace.next_at[feed.pk] = due if due > moment else moment + interval
    pace.waits_until[feed.pk] = moment + PATIENCE_SECONDS


def _is_waited_for(
    feed: Feed, deployments: list[Deployment], pace: FeedPace, moment: float
) -> bool:
    if moment >= pace.waits_until.get(feed.pk, 0.0):
        return False
    return DeploymentCursor.objects.filter(
        deployment__in=deployments,
        instrument=feed.instrument,
        bar_open_at__lt=_last_played(feed),
    ).exists()


def _last_played(feed: Feed) -> datetime:
    latest = feed.instrument.candles.filter(timeframe=feed.timeframe).order_by("-open_at")
    return latest.values_list("open_at", flat=True).first() or feed.next_open_at


def _idle_accounts_play(*, instrument: Instrument, bar: Bar) -> None:
    """Let orders of deployments that do not run meet the bar too: a stop still protects."""
    busy = Deployment.objects.filter(state=DeploymentState.RUNNING, instruments=instrument)
    resting = paper_account_list_resting(instrument=instrument, opened_at=bar.open_at)
    for account in resting.exclude(deployments__in=busy):
        with standing_at(bar.close_at):
            market_play(account=account, instrument=instrument, bar=bar)
            reports_intake(account=account, gateway=gateway_for(account))
