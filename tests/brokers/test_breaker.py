"""A broker that does not answer is left alone by all processes, and its return is found out."""

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.brokers.breaker import (
    FAILURES_TO_OPEN,
    LONGEST_PAUSE_SECONDS,
    PROBE_SECONDS,
    Breaker,
    Circuit,
    breaker_guard,
)
from apps.orders.domain.ports import (
    AuthenticationFailed,
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from tests.brokers.redis_of_its_own import RedisOfItsOwn

PROJECT_DIR = Path(__file__).resolve().parents[2]
DEAD = Unavailable("connection refused")
UNKNOWN = OutcomeUnknown("no reply")
NO = Rejected("insufficient balance", code="110007")


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisOfItsOwn]:
    server = RedisOfItsOwn(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(server: RedisOfItsOwn, clock: Clock) -> Breaker:
    return Breaker(server.url, away_retry_seconds=0, clock=clock)


def ask(breaker: Breaker, error: BaseException | None = None, circuit: str = "a:orders") -> bool:
    """Run a block that ends with ``error``; tell whether it was run."""
    was_run = False
    with contextlib.suppress(BrokerError, KeyError), breaker.guard(circuit):
        was_run = True
        if error is not None:
            raise error
    return was_run


def fail(breaker: Breaker, times: int = FAILURES_TO_OPEN, error: BaseException = DEAD) -> None:
    for _ in range(times):
        assert ask(breaker, error)


@pytest.mark.parametrize("error", [DEAD, UNKNOWN], ids=["unavailable", "unknown"])
def test_failures_in_a_row_open_the_circuit_and_the_refusal_says_nothing_was_sent(
    breaker: Breaker, error: BrokerError
) -> None:
    fail(breaker, error=error)
    with (
        pytest.raises(Unavailable, match=r"asked again in 1\.0 seconds; nothing was sent"),
        breaker.guard("a:orders"),
    ):
        raise AssertionError("the block was run")


@pytest.mark.parametrize("answer", [None, NO, AuthenticationFailed("expired")])
def test_any_answer_begins_the_row_anew(breaker: Breaker, answer: BrokerError | None) -> None:
    for _ in range(3):
        fail(breaker, FAILURES_TO_OPEN - 1)
        assert ask(breaker, answer)
    assert ask(breaker)


@pytest.mark.parametrize("error", [Throttled("slow", retry_after_seconds=1), KeyError("bug")])
def test_what_says_nothing_about_the_broker_neither_counts_nor_begins_anew(
    breaker: Breaker, error: Exception
) -> None:
    fail(breaker, FAILURES_TO_OPEN - 1)
    assert ask(breaker, error)
    fail(breaker, 1)
    assert not ask(breaker)


def test_failures_far_apart_open_nothing(breaker: Breaker, clock: Clock) -> None:
    for _ in range(20):
        assert ask(breaker, DEAD)
        clock.seconds += 31
    assert ask(breaker)


def test_circuits_are_apart(breaker: Breaker) -> None:
    fail(breaker)
    assert ask(breaker, circuit="a:reads")
    assert ask(breaker, circuit="b:orders")


def test_after_the_pause_one_probe_passes_and_its_success_closes_the_circuit(
    breaker: Breaker, clock: Clock, server: RedisOfItsOwn
) -> None:
    other = Breaker(server.url, clock=clock)
    fail(breaker)
    clock.seconds += 1
    with breaker.guard("a:orders"):
        assert not ask(breaker)
        assert not ask(other)
    assert ask(other)
    assert ask(breaker)
    assert server.client().keys("desk:circuit:*") == []


def test_each_failed_probe_doubles_the_pause_up_to_the_longest(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    for pause in (1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS):
        clock.seconds += pause - 0.1
        assert not ask(breaker)
        clock.seconds += 0.1
        assert ask(breaker, UNKNOWN)


@pytest.mark.parametrize("error", [Throttled("slow", retry_after_seconds=1), KeyError("bug")])
def test_a_probe_that_learned_nothing_leaves_the_next_call_to_probe(
    breaker: Breaker, clock: Clock, error: Exception
) -> None:
    fail(breaker)
    clock.seconds += 1
    assert ask(breaker, error)
    assert ask(breaker)


def test_a_probe_whose_process_died_is_given_up_after_its_time(
    breaker: Breaker, clock: Clock, server: RedisOfItsOwn
) -> None:
    fail(breaker)
    clock.seconds += 1
    probe = Breaker(server.url, clock=clock).guard("a:orders")
    probe.__enter__()
    assert not ask(breaker)
    clock.seconds += PROBE_SECONDS
    assert ask(breaker)


def test_calls_from_before_the_circuit_opened_neither_close_it_nor_lengthen_its_pause(
    breaker: Breaker, clock: Clock
) -> None:
    early, late = breaker.guard("a:orders"), breaker.guard("a:orders")
    early.__enter__()
    late.__enter__()
    fail(breaker)
    early.__exit__(None, None, None)
    assert not ask(breaker)
    assert not late.__exit__(Unavailable, DEAD, None)
    clock.seconds += 1
    assert ask(breaker)


def test_what_one_process_learned_holds_in_another(server: RedisOfItsOwn) -> None:
    script = """
import sys
from apps.brokers.breaker import Breaker
from apps.orders.domain.ports import Unavailable
for _ in range(5):
    try:
        with Breaker(sys.argv[1]).guard("a:orders"):
            raise Unavailable("down")
    except Unavailable:
        pass
"""
    subprocess.run([sys.executable, "-c", script, server.url], cwd=PROJECT_DIR, check=True)
    assert server.client().exists("desk:circuit:a:orders")


def test_of_many_threads_and_processes_one_probes(server: RedisOfItsOwn, clock: Clock) -> None:
    breakers = [Breaker(server.url, clock=clock) for _ in range(3)]
    fail(breakers[0])
    clock.seconds += 1
    inside, leave = [], threading.Event()

    def probe(breaker: Breaker) -> None:
        try:
            with breaker.guard("a:orders"):
                inside.append(breaker)
                leave.wait(10)
        except Unavailable:
            refused.append(breaker)

    refused: list[Breaker] = []
    threads = [threading.Thread(target=probe, args=(each,)) for each in breakers * 4]
    for thread in threads:
        thread.start()
    while len(refused) < 11:
        assert len(inside) <= 1
        threads[0].join(0.01)
    leave.set()
    for thread in threads:
        thread.join()
    assert len(inside) == 1


def test_without_redis_a_process_goes_on_from_what_it_knew_and_says_so_once(
    breaker: Breaker, server: RedisOfItsOwn, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fail(breaker, 3)
    server.kill()
    with caplog.at_level(logging.WARNING, logger="apps.brokers.breaker"):
        fail(breaker, 2)
        assert not ask(breaker)
        clock.seconds += 1
        assert ask(breaker)
        assert ask(breaker)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert said[0].startswith("Redis is away (ConnectionError): this process learns by itself")
    assert said[1] == "a:orders does not answer: circuit open (1 in a row)"


def test_a_redis_that_lost_its_memory_leaves_the_circuit_closed_until_failures_come_anew(
    breaker: Breaker, server: RedisOfItsOwn
) -> None:
    fail(breaker)
    server.client().flushall()
    fail(breaker)
    assert not ask(breaker)


def test_the_desk_keeps_its_circuits_in_its_own_redis(
    server: RedisOfItsOwn, settings: Settings
) -> None:
    settings.REDIS_URL = server.url
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(Unavailable, match="refused"), breaker_guard(circuit="a:orders"):
            raise DEAD
    with pytest.raises(Unavailable, match="nothing was sent"), breaker_guard(circuit="a:orders"):
        raise AssertionError("the block was run")


@given(events=st.lists(st.tuples(st.sampled_from("FSA"), st.booleans(), st.floats(0, 100))))
def test_no_sequence_of_events_keeps_a_circuit_open_for_longer_than_a_probe_and_a_pause(
    events: list[tuple[str, bool, float]],
) -> None:
    circuit, now = Circuit(), 0.0
    for event, is_probe, seconds in events:
        now += seconds
        if circuit.wait_seconds(now) == 0:
            circuit = circuit.admitted(now)
        match event:
            case "F":
                circuit = circuit.failed(now, is_probe=is_probe and circuit.pauses > 0)
            case "S":
                circuit = circuit.succeeded(is_probe=is_probe and circuit.pauses > 0)
            case _:
                circuit = circuit.abandoned(is_probe=is_probe and circuit.pauses > 0)
        assert circuit.wait_seconds(now) <= max(PROBE_SECONDS, LONGEST_PAUSE_SECONDS)
