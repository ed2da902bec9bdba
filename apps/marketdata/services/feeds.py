"""Creates feeds and plays their next bars; a bar and the feed's place move in one transaction."""

from bisect import bisect_left
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.core.services import audit_record
from apps.marketdata.domain.errors import FeedRefused
from apps.marketdata.domain.feeds import (
    FileReplaySettings,
    GeneratedMarketSettings,
    StoredReplaySettings,
    bars_before,
    feed_settings,
)
from apps.marketdata.domain.generator import generated_bars
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.importers import ReadOptions, candle_file_read
from apps.marketdata.models import Feed, FeedState, Instrument
from apps.marketdata.selectors import candle_list_from
from apps.marketdata.services.candles import candles_store


@transaction.atomic
def feed_create(
    *,
    name: str,
    source: str,
    instrument: Instrument,
    timeframe: str,
    configuration: dict[str, Any],
    start_at: datetime,
    bars_per_second: float = 1.0,
    actor: AbstractBaseUser | None = None,
) -> Feed:
    """Create a feed, stopped.

    Args:
        source: Value of ``Feed.Source``.
        configuration: What the source needs; see ``marketdata.domain.feeds``. A generated market
            counts its bars from ``start_at`` unless it says otherwise.
        start_at: Open time of the first bar to play (aware).
        bars_per_second: Pace; 0 plays as fast as the desk follows.

    Raises:
        FeedRefused: The configuration or the pace cannot be played.
    """
    if not 0 <= bars_per_second < float("inf"):
        raise FeedRefused(f"bars per second must be zero or more, was {bars_per_second}")
    if source == Feed.Source.GENERATED:
        configuration = {"start_at": start_at.isoformat(), **configuration}
    feed_settings(source=source, configuration=configuration)
    feed = Feed.objects.create(
        name=name,
        source=source,
        instrument=instrument,
        timeframe=Timeframe(timeframe).value,
        configuration=configuration,
        bars_per_second=bars_per_second,
        next_open_at=start_at,
    )
    audit_record(
        action="feed.created", subject=feed, actor=actor, details={"configuration": configuration}
    )
    return feed


def feed_start(*, feed: Feed, actor: AbstractBaseUser | None = None, reason: str = "") -> Feed:
    """Let a feed play.

    Raises:
        FeedRefused: Its configuration cannot be played.
    """
    feed_settings(source=feed.source, configuration=feed.configuration)
    return _state_set(feed, FeedState.RUNNING, "feed.started", actor=actor, reason=reason)


def feed_stop(*, feed: Feed, actor: AbstractBaseUser | None = None, reason: str = "") -> Feed:
    """Let a feed rest; it goes on with the next bar when it is started again."""
    return _state_set(feed, FeedState.STOPPED, "feed.stopped", actor=actor, reason=reason)


@transaction.atomic
def feed_advance(*, feed: Feed, count: int) -> list[Bar]:
    """Store the feed's next bars and move its place; a feed at its end becomes FINISHED.

    Args:
        feed: Its place is brought up to date.

    Returns:
        The bars, oldest first; fewer than ``count`` at the end.

    Raises:
        MarketDataRefused: The source cannot be read, or a bar is stored with other values.
            Nothing is stored then, and the place stays.
    """
    locked = (
        Feed.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=feed.pk)
    )
    bars = _next_bars(locked, count)
    if bars:
        candles_store(instrument=locked.instrument, timeframe=locked.timeframe, bars=bars)
        locked.next_open_at = bars[-1].close_at
    if len(bars) < count:
        locked.state = FeedState.FINISHED
    locked.save(update_fields=["next_open_at", "state"])
    feed.next_open_at, feed.state = locked.next_open_at, locked.state
    return bars


@transaction.atomic
def _state_set(
    feed: Feed, state: FeedState, action: str, *, actor: AbstractBaseUser | None, reason: str
) -> Feed:
    locked = Feed.objects.select_for_update(of=("self",)).get(pk=feed.pk)
    if locked.state != state:
        before = locked.state
        locked.state = state
        locked.save(update_fields=["state"])
        audit_record(
            action=action,
            subject=locked,
            actor=actor,
            reason=reason,
            details={"state_before": before, "state_after": state.value},
        )
    feed.state = locked.state
    return locked


def _next_bars(feed: Feed, count: int) -> list[Bar]:
    settings = feed_settings(source=feed.source, configuration=feed.configuration)
    if isinstance(settings, GeneratedMarketSettings):
        return _generated(feed, settings, count)
    if isinstance(settings, StoredReplaySettings):
        return _stored(feed, settings, count)
    bars = _file_bars(feed, settings)
    first = bisect_left(bars, feed.next_open_at, key=attrgetter("open_at"))
    return list(bars[first : first + count])


def _generated(feed: Feed, settings: GeneratedMarketSettings, count: int) -> list[Bar]:
    first = bars_before(
        start_at=settings.start_at,
        moment=feed.next_open_at,
        seconds=Timeframe(feed.timeframe).seconds,
    )
    try:
        return generated_bars(
            seed=settings.seed,
            start_at=settings.start_at,
            timeframe=feed.timeframe,
            first=first,
            count=count,
            tick_size=feed.instrument.tick_size,
            initial_price=settings.initial_price,
        )
    except ValueError as error:
        raise FeedRefused(f"feed {feed.name} cannot be generated: {error}") from error


def _stored(feed: Feed, settings: StoredReplaySettings, count: int) -> list[Bar]:
    source = Instrument.objects.filter(symbol=settings.symbol).first()
    if source is None or source.pk == feed.instrument_id:
        raise FeedRefused(
            f"feed {feed.name} plays bars of {settings.symbol}, which is "
            + ("not stored; import its bars first" if source is None else "its own instrument")
        )
    return candle_list_from(
        instrument=source, timeframe=feed.timeframe, first_at=feed.next_open_at, limit=count
    )


def _file_bars(feed: Feed, settings: FileReplaySettings) -> tuple[Bar, ...]:
    path = Path(settings.path)
    try:
        status = path.stat()
    except OSError as error:
        raise FeedRefused(
            f"feed {feed.name} plays {path}, which cannot be read: {error.strerror}"
        ) from error
    return _file_read(
        path,
        (status.st_mtime_ns, status.st_size),
        feed.timeframe,
        feed.instrument.calendar,
        ReadOptions.from_mapping(settings.options),
    )


@lru_cache(maxsize=4)
def _file_read(
    path: Path, _version: tuple[int, int], timeframe: str, calendar: str, options: ReadOptions
) -> tuple[Bar, ...]:
    """Read a file once per process and version of it; feeds ask for it bar by bar."""
    result = candle_file_read(
        path=path, timeframe=timeframe, instrument_calendar=calendar, options=options
    )
    return tuple(result.bars)
