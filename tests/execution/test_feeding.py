"""Feeds give the desk its bars, at the desk's pace, and leave no order behind."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from kombu.exceptions import OperationalError as MessageNotSent

from apps.execution.management.commands import feed as feed_command
from apps.execution.services import feeding
from apps.execution.services.feeding import FeedPace, feeds_play
from apps.marketdata.models import Feed, FeedState
from apps.marketdata.services import feed_create, feed_start
from apps.orders.models import Order
from apps.strategies.models import Deployment
from apps.strategies.services import deployment_stop
from tests.execution.chain import (
    START,
    bars_seen,
    deployment_running,
    instrument_of,
    play,
    statuses,
    tick,
)
from tests.factories.marketdata import InstrumentFactory

pytestmark = pytest.mark.django_db

FAST = 1000.0  # bars per second: always due


@pytest.fixture
def deployment() -> Deployment:
    return deployment_running()


def feed_on(deployment: Deployment, *, bars_per_second: float = FAST, **changes: Any) -> Feed:
    values: dict[str, Any] = {
        "name": "market",
        "source": Feed.Source.GENERATED,
        "instrument": instrument_of(deployment),
        "timeframe": "5m",
        "configuration": {"seed": 3, "initial_price": "100"},
        "start_at": START,
        "bars_per_second": bars_per_second,
    }
    return feed_start(feed=feed_create(**{**values, **changes}))


def test_feed_gives_a_bar_and_wakes_whoever_trades_on_it(deployment: Deployment) -> None:
    feed_on(deployment)
    assert feeds_play(pace=FeedPace()) == [deployment.pk]
    assert instrument_of(deployment).candles.count() == 1


def test_feed_waits_until_the_bar_before_is_dealt_with(deployment: Deployment) -> None:
    feed_on(deployment)
    pace = FeedPace()
    feeds_play(pace=pace)
    time.sleep(0.002)
    assert feeds_play(pace=pace) == []
    tick(deployment)
    assert feeds_play(pace=pace) == [deployment.pk]
    assert instrument_of(deployment).candles.count() == 2


def test_feed_does_not_wait_for_ever(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "PATIENCE_SECONDS", 0.0)
    feed_on(deployment)
    pace = FeedPace()
    feeds_play(pace=pace)
    time.sleep(0.002)
    assert feeds_play(pace=pace) == [deployment.pk]


def test_feed_keeps_its_pace(deployment: Deployment) -> None:
    feed_on(deployment, bars_per_second=0.1)
    pace = FeedPace()
    feeds_play(pace=pace)
    tick(deployment)
    assert feeds_play(pace=pace) == []


def test_feed_without_pace_gives_bursts(deployment: Deployment) -> None:
    feed_on(deployment, bars_per_second=0)
    feeds_play(pace=FeedPace())
    assert instrument_of(deployment).candles.count() == feeding.BURST_BARS


def test_stopped_deployments_are_not_woken_and_stopped_feeds_not_played(
    deployment: Deployment,
) -> None:
    feed_on(deployment)
    deployment_stop(deployment=deployment)
    assert feeds_play(pace=FeedPace()) == []
    assert instrument_of(deployment).candles.count() == 1
    Feed.objects.update(state=FeedState.STOPPED)
    feeds_play(pace=FeedPace())
    assert instrument_of(deployment).candles.count() == 1


def test_stop_of_a_deployment_that_does_not_run_still_protects_its_position() -> None:
    deployment = deployment_running(start=START - timedelta(minutes=10), stop_loss_ratio=0.001)
    play(deployment, "100.25", "100.25", first=-2)
    deployment_stop(deployment=deployment)
    assert statuses(deployment)[1][2] == "NEW"
    feed_on(deployment, configuration={"seed": 3, "initial_price": "50"})
    feeds_play(pace=FeedPace())
    assert statuses(deployment) == [("ENTRY", "BUY", "FILLED"), ("STOP_LOSS", "SELL", "FILLED")]


def test_feed_that_cannot_be_played_does_not_hold_up_the_others(deployment: Deployment) -> None:
    other = InstrumentFactory()
    feed_on(deployment, name="a-broken", instrument=other)
    Feed.objects.update(source=Feed.Source.FILE, configuration={"path": "/nowhere.csv"})
    feed_on(deployment, name="b-good")
    pace = FeedPace()
    assert feeds_play(pace=pace) == [deployment.pk]
    broken = Feed.objects.get(name="a-broken")
    assert broken.state == FeedState.RUNNING
    assert pace.next_at[broken.pk] > time.monotonic() + feeding.REFUSED_SECONDS / 2
    assert other.candles.count() == 0


@pytest.fixture
def handlers_restored() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("eager", "handlers_restored")
def test_command_plays_until_it_is_told_to_stop(deployment: Deployment) -> None:
    feed_on(deployment, bars_per_second=50)
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    call_command("feed")
    assert bars_seen(deployment) > 2
    assert instrument_of(deployment).candles.count() == bars_seen(deployment)


@pytest.mark.parametrize("error", [OperationalError("gone"), MessageNotSent("gone")])
def test_command_goes_on_after_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def lost(*, pace: FeedPace) -> list[int]:
        raise error

    monkeypatch.setattr(feed_command, "feeds_play", lost)
    monkeypatch.setattr(feed_command, "close_old_connections", lambda: None)
    pause = feed_command.Command()._round(FeedPace())
    assert pause == feed_command.PAUSE_SECONDS
    assert not Order.objects.exists()
