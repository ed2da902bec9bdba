"""Days and weeks as the clocks of a place cut them, summer time included."""

import numpy as np
import pytest

from apps.strategies.domain.candles import OPEN_AT_DTYPE
from apps.strategies.domain.periods import (
    PeriodUnknown,
    local_seconds,
    minute_of_day,
    period_ids,
    period_starts,
)


def hours(start: str, count: int) -> np.ndarray:
    begin = np.datetime64(start, "us")
    return (begin + np.arange(count) * np.timedelta64(1, "h")).astype(OPEN_AT_DTYPE)


def starts(times: np.ndarray, **settings: str) -> list[str]:
    rows = period_starts(period_ids(times, **settings))  # type: ignore[arg-type]
    return [str(moment)[5:13] for moment in times[rows]]


def test_a_day_of_new_york_begins_at_another_hour_of_utc_in_summer() -> None:
    times = hours("2026-03-07T00:00", 72)  # clocks go forward on 2026-03-08
    assert starts(times, zone="America/New_York") == ["03-07T05", "03-08T05", "03-09T04"]
    assert starts(times, zone="America/New_York", starts="17:00") == [
        "03-07T22",
        "03-08T21",
        "03-09T21",
    ]


def test_local_clock_is_right_on_both_sides_of_both_turns_of_the_year() -> None:
    times = hours("2025-10-25T00:00", 24 * 200)
    local = local_seconds(times, zone="Europe/London") - local_seconds(times, zone="UTC")
    turns = [str(moment)[:13] for moment in times[1:][np.diff(local) != 0]]
    assert turns == ["2025-10-26T01", "2026-03-29T01"]
    assert set(local) == {0, 3600}


def test_half_hours_of_india_count() -> None:
    times = np.array(["2026-01-01T18:29", "2026-01-01T18:30"], dtype=OPEN_AT_DTYPE)
    assert np.diff(period_ids(times, zone="Asia/Kolkata"))[0] == 1


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    times = hours("2026-01-30T00:00", 24 * 5)  # a Friday
    assert starts(times, period="1w") == ["02-02T00"]
    assert starts(times, period="1M") == ["02-01T00"]
    assert starts(times, period="4h")[:2] == ["01-30T04", "01-30T08"]


@pytest.mark.parametrize("text", ["9", "24:00", "09:60", "9.15", "09:1", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(PeriodUnknown, match="time of day"):
        minute_of_day(text)


def test_what_is_no_zone_and_no_period_is_refused() -> None:
    times = hours("2026-01-01T00:00", 3)
    with pytest.raises(PeriodUnknown, match="there is no time zone 'Mars/Olympus'"):
        period_ids(times, zone="Mars/Olympus")
    with pytest.raises(PeriodUnknown, match="period must be"):
        period_ids(times, period="3d")  # type: ignore[arg-type]
