"""Ticks become bars only where they covered all of one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.brokers.angelone.bars import BarBuilder
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar

D = Decimal
OPEN = datetime(2026, 12, 1, 3, 45, tzinfo=UTC)  # 09:15 in India, a Tuesday


def at(seconds: float) -> datetime:
    return OPEN + timedelta(seconds=seconds)


def builder(since: float = -60) -> BarBuilder:
    made = BarBuilder(timeframe=Timeframe.M1, calendar="XNSE")
    made.begin(at(since))
    return made


def tick(made: BarBuilder, seconds: float, price: str, volume: int) -> list[Bar]:
    return made.take(D(price), at=at(seconds), day_volume=D(volume))


def test_bar_is_finished_by_the_first_tick_of_the_next() -> None:
    made = builder()
    assert tick(made, 1, "100", 10) == []
    assert tick(made, 20, "103", 25) == []
    assert tick(made, 40, "99", 40) == []
    [bar] = tick(made, 61, "101", 45)
    assert (bar.open_at, bar.close_at) == (at(0), at(60))
    assert (bar.open, bar.high, bar.low, bar.close) == (D(100), D(103), D(99), D(99))
    assert bar.volume == 30


def test_bar_is_finished_by_the_clock_where_no_tick_follows() -> None:
    made = builder()
    tick(made, 1, "100", 10)
    assert made.due(at(61)) == []
    assert [bar.close for bar in made.due(at(63))] == [D(100)]
    assert made.due(at(64)) == []


def test_bar_that_began_before_the_connection_is_left_to_rest() -> None:
    made = builder(since=10)
    tick(made, 15, "100", 10)
    assert tick(made, 61, "101", 20) == []
    assert [bar.open_at for bar in tick(made, 121, "102", 30)] == [at(60)]


def test_new_connection_drops_what_was_growing() -> None:
    made = builder()
    tick(made, 1, "100", 10)
    made.begin(at(30))
    tick(made, 31, "100", 50)
    assert tick(made, 61, "101", 60) == []


def test_late_tick_changes_no_bar_that_was_given_out() -> None:
    made = builder()
    tick(made, 1, "100", 10)
    tick(made, 61, "101", 20)
    assert tick(made, 59, "500", 30) == []
    assert made.late == 1
    [bar] = tick(made, 121, "102", 40)
    assert bar.high == D(101)


def test_ticks_outside_the_session_make_no_bar() -> None:
    made = builder(since=-3600)
    assert tick(made, -30, "100", 10) == []
    assert made.due(at(0)) == []
    close = (6 * 60 + 15) * 60
    assert tick(made, close - 1, "100", 20) == []
    assert tick(made, close + 5, "90", 30) == []
    [bar] = made.due(at(close + 3))
    assert (bar.close_at, bar.low) == (at(close), D(100))


def test_count_of_the_day_that_falls_is_another_day() -> None:
    made = builder()
    tick(made, 1, "100", 900)
    tick(made, 2, "100", 5)
    tick(made, 3, "100", 9)
    [bar] = made.due(at(70))
    assert bar.volume == 4
