"""Feeds play generated, filed and stored bars, each once, whatever ends in between."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.core.models import AuditEvent
from apps.marketdata.domain.errors import ConflictingCandle, FeedRefused
from apps.marketdata.models import Candle, Feed, FeedState, Instrument
from apps.marketdata.services import (
    candles_store,
    feed_advance,
    feed_create,
    feed_start,
    feed_stop,
    instrument_ensure,
)
from tests.marketdata.bars import START, bar, bars

pytestmark = pytest.mark.django_db
STEP = timedelta(minutes=5)


@pytest.fixture
def instrument() -> Instrument:
    return instrument_ensure(symbol="DEMO:BOREA.P")


def a_feed(instrument: Instrument, **changes: Any) -> Feed:
    values: dict[str, Any] = {
        "name": "market",
        "source": "GENERATED",
        "instrument": instrument,
        "timeframe": "5m",
        "configuration": {"seed": 3, "initial_price": "100"},
        "start_at": START,
    }
    return feed_create(**(values | changes))


def opens(feed: Feed) -> list[Any]:
    return list(feed.instrument.candles.order_by("open_at").values_list("open_at", flat=True))


def test_a_generated_feed_gives_the_bars_of_its_seed_in_turn(instrument: Instrument) -> None:
    feed = a_feed(instrument)
    played = feed_advance(feed=feed, count=3) + feed_advance(feed=feed, count=2)
    assert played == bars(5)
    assert opens(feed) == [START + number * STEP for number in range(5)]
    feed.refresh_from_db()
    assert feed.next_open_at == START + 5 * STEP


def test_a_feed_whose_bar_is_stored_with_other_values_stays_where_it_is(
    instrument: Instrument,
) -> None:
    feed = a_feed(instrument)
    candles_store(instrument=instrument, timeframe="5m", bars=[bar("1", at=START + STEP)])
    with pytest.raises(ConflictingCandle):
        feed_advance(feed=feed, count=2)
    feed.refresh_from_db()
    assert feed.next_open_at == START
    assert opens(feed) == [START + STEP]


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({}, "seed: Field required"),
        ({"seed": -1, "initial_price": "100"}, "seed: Input should be greater"),
        ({"seed": 1, "initial_price": "NaN"}, "initial_price: Input should be a finite"),
        ({"seed": 1, "initial_price": "5", "sed": 2}, "sed: Extra inputs"),
    ],
)
def test_settings_that_cannot_be_played_are_named_and_nothing_is_created(
    instrument: Instrument, configuration: dict[str, Any], words: str
) -> None:
    with pytest.raises(FeedRefused, match=words):
        a_feed(instrument, configuration=configuration)
    assert not Feed.objects.exists()


def test_a_price_below_a_hundred_ticks_is_refused_when_played(instrument: Instrument) -> None:
    feed = a_feed(instrument, configuration={"seed": 1, "initial_price": "0.5"})
    with pytest.raises(FeedRefused, match="at least 100 ticks"):
        feed_advance(feed=feed, count=1)


def test_a_place_between_two_bars_is_refused(instrument: Instrument) -> None:
    feed = a_feed(instrument)
    Feed.objects.update(next_open_at=START + timedelta(minutes=2))
    with pytest.raises(FeedRefused, match="counted from"):
        feed_advance(feed=feed, count=1)
    assert not Candle.objects.exists()


@pytest.mark.parametrize("pace", [-1.0, float("inf"), float("nan")])
def test_a_pace_that_is_none_is_refused(instrument: Instrument, pace: float) -> None:
    with pytest.raises(FeedRefused, match="bars per second"):
        a_feed(instrument, bars_per_second=pace)


def test_an_unknown_source_is_refused_with_the_known_ones(instrument: Instrument) -> None:
    with pytest.raises(FeedRefused, match="GENERATED, FILE, STORED"):
        a_feed(instrument, source="SATELLITE")


def a_file(folder: Path) -> Path:
    path = folder / "candles.csv"
    lines = [
        f"{START + number * STEP:%Y-%m-%dT%H:%M:%SZ},{10 + number},{12 + number},9,{11 + number},5"
        for number in range(4)
    ]
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *lines]) + "\n")
    return path


def test_a_file_is_replayed_from_the_place_on_and_the_feed_then_finishes(
    instrument: Instrument, tmp_path: Path
) -> None:
    path = a_file(tmp_path)
    feed = a_feed(
        instrument, source="FILE", configuration={"path": str(path)}, start_at=START + STEP
    )
    feed_start(feed=feed)
    first = feed_advance(feed=feed, count=2)
    assert [each.open for each in first] == [Decimal(11), Decimal(12)]
    assert feed.state == FeedState.RUNNING
    assert len(feed_advance(feed=feed, count=2)) == 1
    feed.refresh_from_db()
    assert feed.state == FeedState.FINISHED


def test_a_file_that_is_not_there_is_named(instrument: Instrument, tmp_path: Path) -> None:
    path = tmp_path / "missing.csv"
    feed = a_feed(instrument, source="FILE", configuration={"path": str(path)})
    with pytest.raises(FeedRefused, match=r"missing\.csv, which cannot be read: No such file"):
        feed_advance(feed=feed, count=1)


def test_stored_bars_are_played_into_another_instrument(instrument: Instrument) -> None:
    source = instrument_ensure(symbol="DEMO:CORVUS.P")
    candles_store(instrument=source, timeframe="5m", bars=bars(6))
    feed = a_feed(instrument, source="STORED", configuration={"symbol": source.symbol})
    assert feed_advance(feed=feed, count=4) == bars(4)
    assert len(feed_advance(feed=feed, count=4)) == 2
    assert feed.state == FeedState.FINISHED


@pytest.mark.parametrize(
    ("symbol", "words"),
    [("DEMO:NOTHING", "not stored; import"), ("DEMO:BOREA.P", "its own instrument")],
)
def test_bars_of_nothing_or_of_itself_are_refused(
    instrument: Instrument, symbol: str, words: str
) -> None:
    feed = a_feed(instrument, source="STORED", configuration={"symbol": symbol})
    with pytest.raises(FeedRefused, match=words):
        feed_advance(feed=feed, count=1)


def test_start_and_stop_are_on_the_record_once_each(instrument: Instrument) -> None:
    feed = a_feed(instrument)
    for _ in range(2):
        feed_start(feed=feed, reason="morning")
    feed_stop(feed=feed)
    feed.refresh_from_db()
    assert feed.state == FeedState.STOPPED
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["feed.created", "feed.started", "feed.stopped"]
