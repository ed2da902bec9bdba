"""The venue as a process: its journal survives kills, its clients, and whoever started it."""

import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from apps.orders.domain.ports import OutcomeUnknown, Unavailable
from tests.venues.lines import gateway_to, limit, request
from tests.venues.loopback.history import DeskOrder, Wrong, check_history, check_venue
from tests.venues.loopback.journal import journal_read
from tests.venues.loopback.process import PROJECT_DIR, ControlRefused, LoopbackVenue

SERVER = (sys.executable, "-m", "tests.venues.loopback.server")


class Sender:
    """A desk with one account that notes what it is not sure of, and never sends twice."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.gateway = gateway_to(url, name=name, timeout_seconds=2.0)
        self.answered: set[str] = set()
        self.unknown: set[str] = set()
        self.unsent: set[str] = set()

    def send(self, count: int) -> None:
        for number in range(count):
            key = f"K{number}"
            try:
                self.gateway.order_place(limit(key))
                self.answered.add(key)
            except OutcomeUnknown:
                self.unknown.add(key)
            except Unavailable:
                self.unsent.add(key)
                time.sleep(0.005)

    def at_the_venue(self) -> list[DeskOrder]:
        """Return what the venue says now, as the desk would have it after looking up."""
        return [
            DeskOrder(
                account=self.name,
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side.value,
                quantity=order.quantity,
                status=order.status.value,
                filled_quantity=order.filled_quantity,
                fills={},
            )
            for order in self.gateway.order_list_open()
        ]


def test_kills_in_the_middle_of_concurrent_clients_lose_and_double_nothing(
    venue: LoopbackVenue,
) -> None:
    senders = [Sender(venue.url, f"desk-{number}") for number in range(4)]
    threads = [threading.Thread(target=sender.send, args=(250,)) for sender in senders]
    for thread in threads:
        thread.start()
    draws = random.Random(5)
    for _ in range(5):
        time.sleep(draws.uniform(0.02, 0.12))
        venue.restart()
    for thread in threads:
        thread.join()
    taken: list[DeskOrder] = []
    for sender in senders:
        orders = sender.at_the_venue()
        known = {order.client_order_id for order in orders}
        assert sender.answered <= known <= sender.answered | sender.unknown
        assert sender.unsent
        taken.extend(orders)
    assert check_venue(venue.journal()) == []
    # What the venue heard of and did not take before it died is all that the desk may lack
    unheard = {(sender.name, key) for sender in senders for key in sender.unknown}
    for violation in check_history(venue.journal(), taken):
        assert violation.wrong is Wrong.UNKNOWN_TO_DESK
        assert (violation.account, violation.client_order_id) in unheard
    assert len(list(venue.journal().of_kind("start"))) == 6


def test_restarted_venue_has_orders_settings_and_prices_but_no_faults(
    venue: LoopbackVenue,
) -> None:
    gateway = gateway_to(venue.url)
    gateway.order_place(limit())
    venue.control("settings", cancel_all_batch=7)
    venue.fault("ERROR_AFTER", endpoint="PLACE", count=None)
    before = venue.control("state")
    venue.restart()
    assert venue.control("state") == before
    assert before["settings"]["cancel_all_batch"] == 7
    assert gateway.order_place(request()).filled_quantity == 1
    assert check_venue(venue.journal()) == []


def test_every_request_is_written_down_with_what_it_was_answered(venue: LoopbackVenue) -> None:
    gateway = gateway_to(venue.url)
    venue.fault("DROP_AFTER", endpoint="PLACE")
    with pytest.raises(OutcomeUnknown):
        gateway.order_place(request())
    gateway.balance_list()
    journal = venue.journal()
    told = [
        (entry["kind"], entry.get("endpoint"), entry.get("fault"), entry.get("status"))
        for entry in journal.of_kind("request", "accepted", "filled", "response")
    ]
    assert told == [
        ("request", "PLACE", None, None),
        ("accepted", None, None, "NEW"),
        ("filled", None, None, None),
        ("response", None, "DROP_AFTER", None),
        ("request", "BALANCES", None, None),
        ("response", None, None, 200),
    ]
    [asked] = [entry["asked"] for entry in journal.requests("PLACE")]
    assert (asked["client_order_id"], asked["quantity"]) == ("A1", "1")


def test_probable_faults_are_the_same_for_the_same_seed(venue: LoopbackVenue) -> None:
    outcomes = []
    for name in ("one", "two"):
        gateway = gateway_to(venue.url, name=name)
        venue.fault("ERROR_BEFORE", endpoint="PLACE", probability=0.4, seed=11, account=name)
        answered = []
        for number in range(30):
            try:
                gateway.order_place(request(f"P{number}"))
                answered.append(number)
            except OutcomeUnknown:
                pass
        outcomes.append(answered)
    assert outcomes[0] == outcomes[1]
    assert 5 < len(outcomes[0]) < 30


def test_control_says_what_it_does_not_take(venue: LoopbackVenue) -> None:
    with pytest.raises(ControlRefused, match="bid 101 not above ask 99"):
        venue.price("BTCUSDT", 100, bid=101, ask=99)
    with pytest.raises(ControlRefused, match="unknown"):
        venue.control("weather")


def test_second_venue_on_a_journal_does_not_start(venue: LoopbackVenue) -> None:
    second = subprocess.run(
        [*SERVER, "--journal", str(venue.journal_path)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert "another venue writes" in second.stderr


def test_venue_with_settings_that_it_does_not_know_does_not_start(tmp_path: Path) -> None:
    refused = subprocess.run(
        [*SERVER, "--journal", str(tmp_path / "j"), "--settings", '{"colour": "red"}'],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--settings: unknown fields: colour" in refused.stderr


def test_venue_ends_with_whoever_started_it(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [*SERVER, "--journal", str(tmp_path / "j"), "--while-stdin-is-open"],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    assert int(started.stdout.readline()) > 0
    started.stdin.close()
    assert started.wait(timeout=30) == 0
    started.stdout.close()
    assert [entry["kind"] for entry in journal_read(tmp_path / "j").entries] == ["start"]


def test_request_that_ends_halfway_is_not_heard(venue: LoopbackVenue) -> None:
    body = b'{"client_order_id": "K1"}'
    head = (
        b"POST /v1/orders/place HTTP/1.1\r\nHost: venue\r\nX-Loopback-Account: desk\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    for until in (40, len(head) - 4, len(head), len(head) + len(body) // 2):
        with socket.create_connection(("127.0.0.1", venue.port)) as line:
            line.sendall((head + body)[:until])
            line.shutdown(socket.SHUT_WR)
            while line.recv(4096):
                pass
    assert list(venue.journal().requests("PLACE")) == []
