"""The past at the Bybit venue: late at first, forgotten in part, at most a week at once."""

from pathlib import Path
from typing import Any

import pytest

from tests.venues.bybit_desk import LINEAR, VenueDesk

HOUR_MS = 3_600_000
HISTORY = "/v5/order/history"
EXECUTIONS = "/v5/execution/list"
LOG = "/v5/account/transaction-log"


@pytest.fixture
def desk(tmp_path: Path) -> VenueDesk:
    return VenueDesk(tmp_path)


def links(desk: VenueDesk, path: str = HISTORY, **params: Any) -> list[str]:
    asked = {name: str(value) for name, value in params.items()}
    return [row["orderLinkId"] for row in desk.ask(path, **LINEAR, **asked)["list"]]


def test_fresh_orders_and_executions_may_be_missing(tmp_path: Path) -> None:
    desk = VenueDesk(tmp_path, history_lag_ms=HOUR_MS)
    desk.market("m1")
    assert desk.status("m1") == "Filled"
    assert (links(desk), links(desk, EXECUTIONS)) == ([], [])
    desk.venue.clock_offset_ms = 2 * HOUR_MS
    assert (links(desk), links(desk, EXECUTIONS)) == (["m1"], ["m1"])


def test_orders_without_a_fill_are_forgotten_after_a_day(desk: VenueDesk) -> None:
    desk.market("filled")
    desk.place("killed", timeInForce="IOC")
    assert links(desk) == ["killed", "filled"]
    desk.venue.clock_offset_ms = 25 * HOUR_MS
    assert links(desk) == ["filled"]


def test_history_has_ended_orders_alone_and_tells_them_by_status(desk: VenueDesk) -> None:
    desk.market("filled")
    desk.place("killed", timeInForce="IOC")
    desk.place("waits")
    assert links(desk) == ["killed", "filled"]
    assert links(desk, orderStatus="Filled") == ["filled"]
    assert links(desk, orderLinkId="killed") == ["killed"]


@pytest.mark.parametrize("path", [HISTORY, EXECUTIONS, LOG])
def test_times_bound_what_is_told_and_span_a_week_at_most(desk: VenueDesk, path: str) -> None:
    desk.market("early")
    first = desk.venue.now_ms()
    desk.venue.clock_offset_ms = 3 * HOUR_MS
    desk.market("late")
    assert links(desk, path, startTime=first + HOUR_MS) == ["late"]
    assert links(desk, path, startTime=first - HOUR_MS, endTime=first + HOUR_MS) == ["early"]
    assert links(desk, path, endTime=first + HOUR_MS) == ["early"]
    week = {"startTime": str(first), "endTime": str(first + 8 * 24 * HOUR_MS)}
    assert desk.refused(path, **LINEAR, **week) == 10001
    assert desk.refused(path, **LINEAR, startTime="yesterday") == 10001


def test_log_is_of_the_last_day_unless_times_are_given(desk: VenueDesk) -> None:
    desk.market("m1")
    start = desk.venue.now_ms() - HOUR_MS
    desk.venue.clock_offset_ms = 30 * HOUR_MS
    assert links(desk, LOG) == []
    assert links(desk, LOG, startTime=start) == ["m1"]


def test_realtime_shows_closed_orders_on_request_and_by_id(desk: VenueDesk) -> None:
    desk.market("done")
    desk.place("waits")
    assert links(desk, "/v5/order/realtime") == ["waits"]
    assert links(desk, "/v5/order/realtime", openOnly=1) == ["done"]
    assert links(desk, "/v5/order/realtime", openOnly=1, orderLinkId="waits") == ["waits"]
    assert desk.refused("/v5/order/realtime", category="linear") == 10001


def test_realtime_remembers_the_last_500_closed_orders(desk: VenueDesk) -> None:
    for number in range(501):
        desk.place(f"o{number}", timeInForce="IOC")
    assert links(desk, "/v5/order/realtime", orderLinkId="o0") == []
    assert links(desk, "/v5/order/realtime", orderLinkId="o1") == ["o1"]
    assert links(desk, HISTORY, orderLinkId="o0") == ["o0"]


@pytest.mark.parametrize("limit", ["0", "51", "many"])
def test_limit_beyond_its_bounds_is_refused(desk: VenueDesk, limit: str) -> None:
    assert desk.refused(HISTORY, **LINEAR, limit=limit) == 10001
