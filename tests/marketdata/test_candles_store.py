from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from apps.marketdata.domain.errors import ConflictingCandle
from apps.marketdata.models import Candle, Instrument
from apps.marketdata.selectors import candle_latest, candle_list_after, candle_list_until
from apps.marketdata.services import candles_store, instrument_ensure
from apps.marketdata.services.candles import BATCH_SIZE
from tests.marketdata.bars import START, bar, bars

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    return instrument_ensure(symbol="DEMO:BOREA.P")


def test_a_bar_that_contradicts_a_stored_one_is_refused_and_nothing_is_written(
    instrument: Instrument,
) -> None:
    candles_store(instrument=instrument, timeframe="5m", bars=[bar("100")])
    newcomer = bar("101", at=START + timedelta(minutes=5))
    with pytest.raises(ConflictingCandle) as refusal:
        candles_store(instrument=instrument, timeframe="5m", bars=[newcomer, bar("100.5")])
    message = str(refusal.value)
    assert "2026-03-02T00:00Z" in message
    assert "stored 100 100 100 100 1, brought 100.5 100.5 100.5 100.5 1" in message
    assert Candle.objects.count() == 1
    assert Candle.objects.get().close == 100


def test_a_conflict_in_the_last_batch_undoes_the_batches_before_it(instrument: Instrument) -> None:
    many = bars(BATCH_SIZE + 2)
    last = many[-1]
    candles_store(instrument=instrument, timeframe="5m", bars=[last])
    changed = replace(last, volume=last.volume + 1)
    with pytest.raises(ConflictingCandle):
        candles_store(instrument=instrument, timeframe="5m", bars=[*many[:-1], changed])
    assert Candle.objects.count() == 1


def test_one_bar_brought_twice_with_two_values_in_one_call_is_refused(
    instrument: Instrument,
) -> None:
    with pytest.raises(ConflictingCandle):
        candles_store(instrument=instrument, timeframe="5m", bars=[bar("100"), bar("101")])
    assert not Candle.objects.exists()


def test_an_impossible_bar_is_refused_by_the_database(instrument: Instrument) -> None:
    impossible = replace(bar("100"), high=Decimal(99))
    with pytest.raises(IntegrityError, match="candle_prices_are_possible"):
        candles_store(instrument=instrument, timeframe="5m", bars=[impossible])


def test_an_unknown_timeframe_is_refused(instrument: Instrument) -> None:
    with pytest.raises(ValueError, match="7m"):
        candles_store(instrument=instrument, timeframe="7m", bars=[bar()])
    assert not Candle.objects.exists()


def test_storing_again_counts_unchanged_and_adds_only_what_is_new(instrument: Instrument) -> None:
    first = candles_store(instrument=instrument, timeframe="5m", bars=bars(50))
    again = candles_store(instrument=instrument, timeframe="5m", bars=bars(60))
    assert (first.inserted, first.unchanged) == (50, 0)
    assert (again.inserted, again.unchanged) == (10, 50)
    assert Candle.objects.count() == 60


def test_values_come_back_exactly_and_in_utc(instrument: Instrument) -> None:
    ist = timezone(timedelta(hours=5, minutes=30))
    exact = replace(
        bar("0.0000000001", at=datetime(2026, 3, 2, 9, 15, tzinfo=ist)),
        volume=Decimal("123456789012345678.1234567891"),
    )
    candles_store(instrument=instrument, timeframe="5m", bars=[exact])
    (stored,) = candle_list_after(instrument=instrument, timeframe="5m", after=None, limit=9)
    assert stored == exact
    assert stored.open_at == datetime(2026, 3, 2, 3, 45, tzinfo=UTC)
    assert stored.open_at.utcoffset() == timedelta(0)


def test_one_bar_costs_one_query_in_its_transaction(
    instrument: Instrument, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):  # savepoint, insert, release
        candles_store(instrument=instrument, timeframe="5m", bars=bars(1))


def test_same_open_time_of_another_timeframe_or_instrument_is_another_bar(
    instrument: Instrument,
) -> None:
    other = instrument_ensure(symbol="DEMO:AURUM.P")
    for owner, timeframe in ((instrument, "5m"), (instrument, "15m"), (other, "5m")):
        assert candles_store(instrument=owner, timeframe=timeframe, bars=[bar()]).inserted == 1


def test_bars_after_a_moment_come_oldest_first_without_the_moment_itself(
    instrument: Instrument,
) -> None:
    stored = bars(10)
    candles_store(instrument=instrument, timeframe="5m", bars=reversed(stored))
    after = candle_list_after(
        instrument=instrument, timeframe="5m", after=stored[3].open_at, limit=4
    )
    assert after == stored[4:8]
    everything = candle_list_after(instrument=instrument, timeframe="5m", after=None, limit=99)
    assert everything == stored


def test_bars_until_a_moment_come_oldest_first_with_the_moment_itself(
    instrument: Instrument,
) -> None:
    stored = bars(10)
    candles_store(instrument=instrument, timeframe="5m", bars=stored)
    until = candle_list_until(
        instrument=instrument, timeframe="5m", until=stored[6].open_at, count=3
    )
    assert until == stored[4:7]


def test_latest_bar_is_the_newest_or_nothing(instrument: Instrument) -> None:
    assert candle_latest(instrument=instrument, timeframe="5m") is None
    stored = bars(3)
    candles_store(instrument=instrument, timeframe="5m", bars=stored)
    assert candle_latest(instrument=instrument, timeframe="5m") == stored[-1]
