import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from apps.marketdata.domain.calendars import CALENDARS, NationalStockExchange, calendar_named
from apps.marketdata.domain.timeframes import Timeframe
from tests.marketdata.shared_files import shared_file

NSE = NationalStockExchange()
IST = timedelta(hours=5, minutes=30)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def opens(first: str, last: str, timeframe: Timeframe, calendar: str = "XNSE") -> list[str]:
    found = calendar_named(calendar).opens_between(
        first=seconds(first), last=seconds(last), timeframe=timeframe
    )
    return [f"{datetime.fromtimestamp(int(each), UTC) + IST:%m-%d %H:%M}" for each in found]


def test_an_unknown_calendar_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no calendar 'XNYS'; known are 24/7, 24/5, XNSE"):
        calendar_named("XNYS")


def test_a_market_around_the_clock_has_every_bar() -> None:
    always = CALENDARS["24/7"]
    found = always.opens_between(first=301, last=1200, timeframe=Timeframe.M5)
    assert found.tolist() == [600, 900, 1200]
    assert always.aligned(found + np.array([0, 1, 0]), timeframe=Timeframe.M5).tolist() == [1, 0, 1]
    assert always.closes(found, timeframe=Timeframe.M5).tolist() == [900, 1200, 1500]
    assert not always.ends_session(600, timeframe=Timeframe.M5)


def test_a_market_of_weekdays_rests_from_saturday_to_sunday() -> None:
    week = CALENDARS["24/5"]
    friday = seconds("2026-03-06T23:45:00Z")
    monday = seconds("2026-03-09T00:00:00Z")
    found = week.opens_between(first=friday, last=monday, timeframe=Timeframe.M15)
    assert found.tolist() == [friday, monday]
    assert week.ends_session(friday, timeframe=Timeframe.M15)
    assert not week.ends_session(friday - 900, timeframe=Timeframe.M15)


def test_a_regular_day_in_india() -> None:
    day = opens("2024-01-18T00:00:00+05:30", "2024-01-18T23:59:00+05:30", Timeframe.M15)
    assert (day[0], day[-1], len(day)) == ("01-18 09:15", "01-18 15:15", 25)
    hours = opens("2024-01-18T00:00:00+05:30", "2024-01-18T23:59:00+05:30", Timeframe.H1)
    assert hours == [f"01-18 {hour:02d}:15" for hour in range(9, 16)]


@pytest.mark.parametrize(
    ("day", "sessions"),
    [
        ("2024-01-20", ["09:15", "15:15"]),  # a Saturday instead of the Monday
        ("2024-03-02", ["09:15", "09:45", "11:30", "12:15"]),  # recovery drill on a Saturday
        ("2024-05-18", ["09:15", "09:45", "11:30", "12:15"]),
        ("2024-11-01", ["18:00", "18:45"]),  # Muhurat, on a Friday
        ("2023-11-12", ["18:15", "19:00"]),  # Muhurat, on a Sunday
        ("2025-10-21", ["13:45", "14:30"]),  # Muhurat in the afternoon
        ("2026-02-01", ["09:15", "15:15"]),  # budget on a Sunday
        ("2024-01-21", []),
        ("2024-01-22", []),  # closed for a ceremony
        ("2026-03-03", []),  # Holi
    ],
)
def test_special_days_in_india(day: str, sessions: list[str]) -> None:
    found = [
        text.split()[1]
        for text in opens(f"{day}T00:00:00+05:30", f"{day}T23:59:00+05:30", Timeframe.M15)
    ]
    edges = [
        time
        for place, time in enumerate(found)
        if place in {0, len(found) - 1} or _pause(found, place)
    ]
    assert edges == sessions


def _pause(found: list[str], place: int) -> bool:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in found]
    steps = {minutes[place] - minutes[place - 1], minutes[place + 1] - minutes[place]}
    return max(steps) > 15


def test_a_daily_bar_of_india_is_complete_at_the_end_of_its_last_session() -> None:
    for opened, closed in (
        ("2024-01-17T18:30:00Z", "2024-01-18T10:00:00Z"),
        ("2024-03-01T18:30:00Z", "2024-03-02T07:00:00Z"),
        ("2024-10-31T18:30:00Z", "2024-11-01T13:30:00Z"),
    ):
        moment = np.array([seconds(opened)])
        assert NSE.aligned(moment, timeframe=Timeframe.D1).all()
        assert NSE.closes(moment, timeframe=Timeframe.D1).tolist() == [seconds(closed)]
        assert NSE.ends_session(seconds(opened), timeframe=Timeframe.D1)


def test_bars_within_the_day_of_india_are_counted_from_the_session_start() -> None:
    start = seconds("2024-01-18T03:45:00Z")
    moments = np.array([start, start + 3600, start + 1800])
    assert NSE.aligned(moments, timeframe=Timeframe.H1).tolist() == [True, True, False]
    assert NSE.closes(moments[:1], timeframe=Timeframe.H1).tolist() == [start + 3600]
    assert NSE.ends_session(seconds("2024-01-18T09:55:00Z"), timeframe=Timeframe.M5)
    assert not NSE.ends_session(start, timeframe=Timeframe.M5)
    assert not NSE.ends_session(seconds("2024-01-21T03:45:00Z"), timeframe=Timeframe.M5)


def test_the_calendar_of_nse_is_what_nse_published() -> None:
    path = shared_file("calendars/nse_observed_trading_days_20191001_20260821.csv")
    with path.open() as stream:
        observed = {date.fromisoformat(row["date"]) for row in csv.DictReader(stream)}
    missing_at_source = {date(2021, 11, 4), date(2022, 8, 8)}
    known = {day for day in _days(min(observed), max(observed)) if NSE.is_trading_day(day)}
    assert len(observed) == 1709
    assert known - observed == missing_at_source
    assert observed - known == set()


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
