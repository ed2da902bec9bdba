"""Both sockets live through whatever happens to them, and leave nothing behind."""

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from apps.brokers.angelone.stream import SupervisedSocket
from apps.marketdata.models import Quote
from tests.brokers.angelone.venue_desk import VenueDesk, until, venue_desk
from tests.contracts.broker import D
from tests.long_form import cases

pytestmark = pytest.mark.django_db(transaction=True)
FEED, UPDATES = "/smart-stream", "/smart-order-update"


def flows_again(
    socket: SupervisedSocket, strike: Callable[[], None], *, rebuilds: bool, seconds: float
) -> None:
    """Strike, and wait until data flows, on a new connection where the old one cannot go on."""
    attempts, end = socket.state.attempts, time.monotonic() + seconds
    strike()
    if rebuilds:
        until(
            lambda: socket.state.attempts > attempts and socket.state.is_open,
            seconds=end - time.monotonic(),
        )
    seen = socket.state.messages
    until(lambda: socket.state.messages > seen, seconds=end - time.monotonic())


def test_feed_brings_quotes_and_its_end_leaves_no_thread(tmp_path: Path) -> None:
    with venue_desk(tmp_path) as desk:
        threads = threading.active_count()
        socket = SupervisedSocket(desk.market(), name="feed-test")
        socket.start()
        try:
            until(lambda: socket.state.messages >= 3)
            desk.venue.price("NSE:LEVEL-EQ", "101.50")
            until(lambda: Quote.objects.filter(last=D("101.5")).exists())
        finally:
            socket.stop()
        assert threading.active_count() == threads
        until(lambda: desk.venue.control("state")["feeds"] == 0)


def test_update_of_an_order_is_a_hint_to_read_the_books(tmp_path: Path) -> None:
    with venue_desk(tmp_path) as desk:
        socket = SupervisedSocket(desk.orders(), name="updates-test")
        socket.start()
        try:
            until(lambda: socket.state.messages >= 1)
            until(lambda: desk.hints >= 1)
            before = desk.hints
            desk.venue.control("push", path=UPDATES, message='{"order-status":"AB01"}')
            until(lambda: desk.hints > before)
        finally:
            socket.stop()


def test_refused_session_is_renewed_and_the_feed_comes_back(tmp_path: Path) -> None:
    with venue_desk(tmp_path) as desk:
        desk.gateway.order_list_open()
        socket = SupervisedSocket(desk.market(), name="feed-test")
        desk.venue.control("logout_all")
        socket.start()
        try:
            until(lambda: socket.state.messages >= 2)
        finally:
            socket.stop()


def hazards(dice: random.Random, count: int) -> list[str]:
    kinds = ["DISCONNECT", "STALL", "MALFORMED", "CUT", "GARBAGE", "TEXT"]
    drawn = [kinds[place % len(kinds)] for place in range(count)]
    dice.shuffle(drawn)
    return drawn


def strike(desk: VenueDesk, hazard: str, dice: random.Random) -> None:
    if hazard == "CUT":
        desk.venue.control("cut")
    elif hazard == "GARBAGE":
        for _ in range(30):
            desk.venue.control("push", path=FEED, hex=dice.randbytes(51).hex())
    elif hazard == "TEXT":
        desk.venue.control("push", path=FEED, message='{"errorCode":"E1002","errorMessage":"x"}')
    else:
        desk.venue.fault(hazard, endpoint=FEED, count=1)


def test_data_flows_again_within_ten_seconds_of_every_hazard(tmp_path: Path) -> None:
    dice = random.Random(7)
    this = psutil.Process()
    with venue_desk(tmp_path) as desk:
        socket = SupervisedSocket(desk.market(), name="torture", stale_seconds=3.0)
        socket.start()
        try:
            until(lambda: socket.state.messages >= 3)
            threads, sockets = this.num_threads(), len(this.net_connections())
            for hazard in hazards(dice, cases(500, short=12)):
                flows_again(
                    socket,
                    partial(strike, desk, hazard, dice),
                    rebuilds=hazard in ("DISCONNECT", "STALL", "CUT"),
                    seconds=10,
                )
            until(lambda: this.num_threads() <= threads + 1)
            until(lambda: len(this.net_connections()) <= sockets + 1)
        finally:
            socket.stop()
