from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest

from apps.core.clock import now, standing_at, wall_now

THEN = datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_time_runs_in_utc() -> None:
    before = datetime.now(UTC)
    assert before <= now() <= wall_now() <= datetime.now(UTC)
    assert now().tzinfo is UTC


def test_standing_clock_shows_one_moment_and_the_wall_clock_runs_on() -> None:
    with standing_at(THEN):
        assert now() == THEN
        assert wall_now() > THEN
    assert now() > THEN


def test_standing_moment_is_kept_in_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    with standing_at(datetime(2024, 3, 1, 17, 30, tzinfo=india)):
        assert now() == THEN
        assert now().tzinfo is UTC


def test_standing_clocks_nest_and_run_again_after_an_error() -> None:
    with standing_at(THEN):
        with (
            pytest.raises(RuntimeError, match="inside"),
            standing_at(THEN + timedelta(days=1)),
        ):
            raise RuntimeError("inside")
        assert now() == THEN
    assert now() > THEN


def test_another_thread_does_not_stand_still() -> None:
    seen: list[datetime] = []
    with standing_at(THEN):
        thread = Thread(target=lambda: seen.append(now()))
        thread.start()
        thread.join()
    assert seen[0] > THEN


def test_moment_without_a_time_zone_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="needs a time zone"),
        standing_at(
            datetime(2024, 1, 1)  # noqa: DTZ001  the case itself
        ),
    ):
        pass
