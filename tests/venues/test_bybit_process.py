"""The venue process comes back as it was, and can be away."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.venues.bybit import BybitVenue, ControlRefused, bybit_venue
from tests.venues.bybit.process import PROJECT_DIR
from tests.venues.bybit_desk import LINEAR, SPOT, VenueDesk
from tests.venues.test_bybit_pybit import find_as, place, session_to, until
from tests.venues.test_bybit_wire import REALTIME, ask, create


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path) as running:
        yield running


def test_killed_venue_comes_back_with_orders_positions_and_coins(tmp_path: Path) -> None:
    desk = VenueDesk(tmp_path)
    desk.ask("/v5/position/set-leverage", **LINEAR, buyLeverage="5", sellLeverage="5")
    desk.market("m1", qty="0.02", takeProfit="55000", stopLoss="45000")
    desk.market("s1", **SPOT, qty="500")
    desk.place("waits")
    desk.place("stop", price="51100", triggerPrice="51000", triggerDirection=1)
    desk.ask("/v5/order/amend", **LINEAR, orderLinkId="waits", price="48000")
    desk.place("gone")
    desk.ask("/v5/order/cancel", **LINEAR, orderLinkId="gone")
    desk.control("funding", symbol="BTCUSDT", rate="0.0001")
    account = desk.venue.account
    before = desk.facts()[:4], account.executions, account.transactions, account.closed
    desk.reopen()
    account = desk.venue.account
    assert (desk.facts()[:4], account.executions, account.transactions, account.closed) == before
    desk.price("51000")
    assert desk.status("stop") == "Filled"


def test_realtime_forgets_closed_orders_when_the_venue_restarts(tmp_path: Path) -> None:
    desk = VenueDesk(tmp_path)
    desk.market("m1")
    desk.place("waits")
    named = {**LINEAR, "orderLinkId": "m1"}
    assert len(desk.ask("/v5/order/realtime", **named)["list"]) == 1
    until(
        desk.venue.now_ms, lambda now: now > max(o.updated_ms for o in desk.venue.orders.values())
    )
    desk.reopen()
    assert desk.ask("/v5/order/realtime", **named)["list"] == []
    assert len(desk.ask("/v5/order/history", **named)["list"]) == 1
    assert desk.status("waits") == "New"


def test_acknowledged_order_survives_a_kill(tmp_path: Path) -> None:
    with bybit_venue(tmp_path, entry_delay_ms=60_000) as venue:
        assert create(venue, "a1").code == 0
        venue.restart()
        found = ask(venue, f"{REALTIME}&orderLinkId=a1").json["result"]["list"]
        assert [row["orderStatus"] for row in found] == ["New"]


def test_trading_goes_on_over_a_stop(venue: BybitVenue) -> None:
    session = session_to(venue)
    place(session, "a1")
    find_as(session, "a1", "New")
    port = venue.port
    venue.stop()
    with pytest.raises(ConnectionError):
        ask(venue, REALTIME)
    venue.start()
    assert venue.port == port
    venue.price("BTCUSDT", 48000)
    find_as(session, "a1", "Filled")
    assert venue.journal().accepted_by_link() == {"a1": 1}


def test_venue_that_is_away_refuses_connections_and_returns(venue: BybitVenue) -> None:
    venue.control("away", seconds=0.5)

    def is_refused() -> bool:
        try:
            ask(venue, REALTIME)
        except ConnectionError:
            return True
        return False

    until(is_refused, lambda refused: refused)
    until(is_refused, lambda refused: not refused)
    assert ask(venue, REALTIME).code == 0


def test_venue_in_maintenance_answers_503_and_returns(venue: BybitVenue) -> None:
    venue.control("away", seconds=0.5, status=503)
    assert ask(venue, REALTIME).status == 503
    until(lambda: ask(venue, REALTIME).status, lambda status: status == 200)


def test_faults_happen_at_random_but_the_same_for_the_same_seed(tmp_path: Path) -> None:
    met = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        with bybit_venue(tmp_path / folder, rate_scale=0) as venue:
            venue.control("random", seed=7, share=0.3, kinds=["STATUS_502", "HTML", "EMPTY"])
            for number in range(20):
                create(venue, f"r{number}")
            met.append(venue.control("state")["faults_met"])
    assert met[0] == met[1]
    assert 1 < len(met[0]) < 15


def test_unknown_controls_and_faults_are_refused_by_name(venue: BybitVenue) -> None:
    with pytest.raises(ControlRefused, match="no control weather"):
        venue.control("weather")
    with pytest.raises(ControlRefused, match="no fault RAIN"):
        venue.fault("RAIN")
    with pytest.raises(ControlRefused, match="NOUSDT is not listed"):
        venue.price("NOUSDT", 1)


def test_unknown_setting_stops_it(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "tests.venues.bybit", "--settings", '{"weather": 1}']
    ended = subprocess.run(asked, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "no settings ['weather']" in ended.stderr
