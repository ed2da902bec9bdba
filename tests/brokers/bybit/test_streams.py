"""A stream survives its key, its topics, its listener and its venue."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.brokers.bybit.client import Keys
from apps.brokers.bybit.streams import StreamPlace, SupervisedStream, Trigger
from apps.brokers.bybit.streams.connection import PING_SECONDS, PONG_SECONDS
from tests.proofs.bybit.torture import Heard
from tests.venues.bybit import VENUE_KEY, VENUE_SECRET, BybitVenue, bybit_venue

PATIENCE_SECONDS = 20.0


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[BybitVenue]:
    with bybit_venue(tmp_path, prices={"BTCUSDT": "100"}) as running:
        yield running


@pytest.fixture
def started() -> Iterator[Callable[..., SupervisedStream]]:
    running: list[SupervisedStream] = []

    def start(place: Any, *, topics: tuple[str, ...], listener: Heard) -> SupervisedStream:
        stream = SupervisedStream(place, topics=topics, listener=listener, name="tried")
        stream.start()
        running.append(stream)
        return stream

    yield start
    for stream in running:
        stream.stop()


def until(is_so: Callable[[], bool], *, meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to it"
        meanwhile()
        time.sleep(0.02)


def public(venue: BybitVenue) -> StreamPlace:
    return StreamPlace(venue.ws_url, "linear")


def test_new_connection_has_the_truth_read_before_anything_else(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    order: list[str] = []

    class Noted(Heard):
        def on_gap(self) -> None:
            order.append("gap")

        def on_message(self, message: dict[str, Any]) -> None:
            order.append("message")

    started(public(venue), topics=("tickers.BTCUSDT",), listener=Noted())
    until(
        lambda: "gap" in order and "message" in order, meanwhile=lambda: venue.price("BTCUSDT", 101)
    )
    venue.control("cut")
    until(lambda: order.count("gap") >= 2)


def test_wrong_key_is_tried_again_and_the_right_one_is_taken_up(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    keys = [Keys(VENUE_KEY, "not-the-secret")]
    heard = Heard()
    stream = started(
        lambda: StreamPlace(venue.ws_url, "private", keys[0]), topics=("wallet",), listener=heard
    )
    until(lambda: stream.state.losses >= 2)
    assert (stream.state.connections, heard.gaps) == (0, 0)
    keys[0] = Keys(VENUE_KEY, VENUE_SECRET)
    until(lambda: stream.state.is_live and heard.gaps == 1)


def test_no_log_of_a_private_stream_shows_its_key(
    venue: BybitVenue,
    started: Callable[..., SupervisedStream],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    good, bad = Keys(VENUE_KEY, VENUE_SECRET), Keys(VENUE_KEY, "CANARY-SECRET-27182818")
    place = StreamPlace(venue.ws_url, "private", good)
    stream = started(place, topics=("wallet",), listener=Heard())
    refused = started(replace(place, keys=bad), topics=("wallet",), listener=Heard())
    until(lambda: stream.state.is_live and refused.state.losses > 0)
    venue.control("cut")
    until(lambda: stream.state.connections > 1)
    told = caplog.text + repr(place)
    assert not [secret for secret in (VENUE_KEY, VENUE_SECRET, bad.api_secret) if secret in told]


def test_topic_that_the_venue_refuses_costs_neither_the_connection_nor_the_others(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    heard = Heard()
    stream = started(public(venue), topics=("tickers.BTCUSDT",), listener=heard)
    until(lambda: stream.state.is_live)
    stream.topics_set(("tickers.BTCUSDT", "tickers.NOSUCHCOIN"))
    before = heard.counts.total()
    until(lambda: heard.counts.total() > before + 3, meanwhile=lambda: _move(venue))
    assert (stream.state.connections, stream.state.losses) == (1, 0)


def test_topics_come_and_go_on_a_living_connection(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    heard = Heard()
    stream = started(public(venue), topics=(), listener=heard)
    until(lambda: stream.state.is_live)
    stream.topics_set(("tickers.BTCUSDT",))
    until(lambda: heard.counts["tickers"] > 0, meanwhile=lambda: _move(venue))
    stream.topics_set(("publicTrade.BTCUSDT", "orderbook.1.BTCUSDT"))
    until(lambda: heard.counts["orderbook"] > 0, meanwhile=lambda: _move(venue))
    until(
        lambda: (
            venue.control("state")["sockets"][0]["topics"]
            == sorted(["publicTrade.BTCUSDT", "orderbook.1.BTCUSDT"])
        )
    )
    assert stream.state.connections == 1


def test_listener_that_fails_costs_a_message_and_not_the_stream(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    heard = Heard(fails=True)
    stream = started(public(venue), topics=("tickers.BTCUSDT",), listener=heard)
    until(lambda: stream.state.messages > 3, meanwhile=lambda: _move(venue))
    heard.fails = False
    until(lambda: heard.counts.total() > 0, meanwhile=lambda: _move(venue))
    assert stream.state.connections == 1


def test_listener_that_takes_its_time_does_not_cost_the_connection(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    is_over = threading.Event()

    class Slow(Heard):
        def on_message(self, message: dict[str, Any]) -> None:
            is_over.wait(PATIENCE_SECONDS)  # longer than any answer to a ping may take
            super().on_message(message)

    heard = Slow()
    stream = started(public(venue), topics=("orderbook.1.BTCUSDT",), listener=heard)
    until(lambda: stream.state.messages > 0, meanwhile=lambda: _move(venue))
    pongs_due = time.monotonic() + 2 * (PING_SECONDS + PONG_SECONDS)
    until(lambda: time.monotonic() > pongs_due, meanwhile=lambda: _move(venue))
    is_over.set()
    until(lambda: heard.counts["orderbook"] > 0)
    assert (stream.state.connections, stream.state.losses) == (1, 0)


def test_answers_that_come_at_once_are_not_missed(
    tmp_path: Path, started: Callable[..., SupervisedStream]
) -> None:
    with bybit_venue(tmp_path, prices={"BTCUSDT": "100"}, stream_delay_ms=0) as venue:
        streams = [
            started(public(venue), topics=("tickers.BTCUSDT",), listener=Heard()) for _ in range(20)
        ]
        until(lambda: all(stream.state.is_live for stream in streams))
        assert {stream.state.losses for stream in streams} == {0}
        for stream in streams:
            stream.stop()


def test_venue_that_was_away_for_seconds_is_found_again(
    venue: BybitVenue, started: Callable[..., SupervisedStream]
) -> None:
    heard = Heard()
    stream = started(public(venue), topics=("tickers.BTCUSDT",), listener=heard)
    until(lambda: stream.state.is_live)
    venue.stop()
    until(lambda: stream.state.losses >= 3)
    venue.start()
    until(lambda: stream.state.is_live)
    before = heard.counts.total()
    until(lambda: heard.counts.total() > before, meanwhile=lambda: _move(venue))


def test_stream_that_never_found_its_venue_ends_when_told(
    started: Callable[..., SupervisedStream],
) -> None:
    stream = started(StreamPlace("ws://127.0.0.1:9", "linear"), topics=(), listener=Heard())
    until(lambda: stream.state.losses >= 1)
    stream.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tried")]


def test_work_asked_for_while_it_is_done_is_done_once_more() -> None:
    begun, may_end = threading.Event(), threading.Event()
    runs: list[int] = []

    def work() -> None:
        runs.append(len(runs))
        begun.set()
        may_end.wait(PATIENCE_SECONDS)

    trigger = Trigger(work, name="tried", pause_seconds=0.0)
    trigger.start()
    trigger.ask()
    begun.wait(PATIENCE_SECONDS)
    for _ in range(5):
        trigger.ask()
    may_end.set()
    until(lambda: len(runs) == 2)
    trigger.stop()
    assert len(runs) == 2


def test_work_that_failed_is_done_again_by_itself() -> None:
    runs: list[int] = []

    def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ValueError("not this time")

    trigger = Trigger(work, name="tried", retry_seconds=0.01)
    trigger.start()
    trigger.ask()
    until(lambda: len(runs) == 2)
    trigger.stop()


def _move(venue: BybitVenue) -> None:
    venue.price("BTCUSDT", 100 + time.monotonic_ns() % 7)
