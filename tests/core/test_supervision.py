"""The supervisor's promises, with real processes."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from apps.core.supervision import Backoff, ProcessSpec, Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(300)"
WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print("child", child.pid, flush=True)
time.sleep(300)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(300)
"""
DESK = """
import sys
from apps.core.supervision import ProcessSpec, Supervisor
specs = [ProcessSpec(name=str(n), command=[sys.executable, "-c", code])
         for n, code in enumerate(sys.argv[1:])]
Supervisor(specs=specs, output=sys.stderr).run()
print("stopped", flush=True)
"""
FAST = Backoff(first_seconds=0.05, limit_seconds=0.2, healthy_seconds=60)


def python(name: str, code: str, **options: float) -> ProcessSpec:
    return ProcessSpec(name=name, command=[sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def until(condition: Callable[[], object], *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def desks() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*programs: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", DESK, *programs],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def next_line(desk: subprocess.Popen[str], containing: str) -> str:
    assert desk.stderr is not None
    for line in desk.stderr:
        if containing in line:
            return line
    raise AssertionError(f"the desk ended without printing {containing!r}")


def test_a_killed_program_is_started_again_and_said_so(output: io.StringIO) -> None:
    supervisor = Supervisor(specs=[python("worker", SLEEPER)], output=output, backoff=FAST)
    supervisor.start()
    first = supervisor.pids()["worker"]
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.pids().get("worker", first) != first)
    supervisor.stop()
    assert "worker | ended (killed by SIGKILL); starts again in 0.05 s" in output.getvalue()


def test_children_of_a_killed_program_do_not_outlive_it(output: io.StringIO) -> None:
    supervisor = Supervisor(specs=[python("worker", WITH_CHILD)], output=output, backoff=FAST)
    supervisor.start()
    until(lambda: "child" in output.getvalue())
    grandchild = int(output.getvalue().split()[-1])
    os.kill(supervisor.pids()["worker"], signal.SIGKILL)
    until(lambda: is_gone(grandchild))
    supervisor.stop()


def test_stop_leaves_no_process_and_no_pid(output: io.StringIO) -> None:
    supervisor = Supervisor(
        specs=[python("web", SLEEPER), python("feed", WITH_CHILD)], output=output
    )
    supervisor.start()
    until(lambda: "child" in output.getvalue())
    family = psutil.Process().children(recursive=True)
    assert len(family) >= 4  # two programs, a grandchild and the guard
    supervisor.stop()
    assert supervisor.pids() == {}
    assert all(is_gone(process.pid) for process in family)


def test_a_program_that_ignores_the_stop_is_killed_after_its_time(output: io.StringIO) -> None:
    supervisor = Supervisor(specs=[python("web", STUBBORN, stop_seconds=0.3)], output=output)
    supervisor.start()
    until(lambda: "up" in output.getvalue())
    pid = supervisor.pids()["web"]
    started_at = time.monotonic()
    supervisor.stop()
    assert is_gone(pid)
    assert time.monotonic() - started_at < 5
    assert "does not stop; killing it" in output.getvalue()


def test_a_program_that_cannot_be_started_is_named_and_tried_again(output: io.StringIO) -> None:
    spec = ProcessSpec(name="feed", command=["/nowhere/feed"])
    supervisor = Supervisor(specs=[spec], output=output, backoff=FAST)
    supervisor.start()
    until(lambda: output.getvalue().count("cannot be started") >= 2)
    supervisor.stop()
    assert "/nowhere/feed" in output.getvalue()
    assert supervisor.pids() == {}


def test_waits_before_restarts_double_up_to_the_limit(output: io.StringIO) -> None:
    supervisor = Supervisor(specs=[python("beat", "raise SystemExit(3)")], output=output)
    backoff = Backoff(first_seconds=0.5, limit_seconds=3)
    assert [backoff.wait_seconds(ends) for ends in (1, 2, 3, 4, 400)] == [0.5, 1, 2, 3, 3]
    supervisor.start()
    until(lambda: output.getvalue().count("status 3") == 2)
    supervisor.stop()
    assert re.findall(r"starts again in (\S+) s", output.getvalue()) == ["0.5", "1"]


def test_a_program_that_ran_healthily_starts_again_without_the_long_wait(
    output: io.StringIO,
) -> None:
    backoff = Backoff(first_seconds=0.01, healthy_seconds=0)
    supervisor = Supervisor(
        specs=[python("beat", "raise SystemExit(3)")], output=output, backoff=backoff
    )
    supervisor.start()
    until(lambda: output.getvalue().count("status 3") == 3)
    supervisor.stop()
    assert set(re.findall(r"starts again in (\S+) s", output.getvalue())) == {"0.01"}


def test_each_line_is_prefixed_with_its_program(output: io.StringIO) -> None:
    code = "import sys; print('to stdout'); print('to stderr', file=sys.stderr); input()"
    supervisor = Supervisor(
        specs=[python("web", code), python("worker", SLEEPER)], output=output, backoff=FAST
    )
    supervisor.start()
    until(lambda: "to stderr" in output.getvalue() and "up" in output.getvalue())
    supervisor.stop()
    lines = output.getvalue().splitlines()
    assert {"web    | to stdout", "web    | to stderr", "worker | up"} <= set(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_ends_with_status_zero(
    desks: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    desk = desks(WITH_CHILD)
    grandchild = int(next_line(desk, "child").split()[-1])
    desk.send_signal(number)
    assert desk.wait(15) == 0
    assert is_gone(grandchild)


def test_a_second_signal_kills_at_once(desks: Callable[..., subprocess.Popen[str]]) -> None:
    desk = desks(STUBBORN)
    next_line(desk, "up")
    started_at = time.monotonic()
    desk.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert desk.poll() is None
    desk.send_signal(signal.SIGINT)
    assert desk.wait(10) == 0
    assert time.monotonic() - started_at < 10  # its own time would be twenty seconds


def test_no_descendant_is_left_when_the_supervisor_itself_is_killed(
    desks: Callable[..., subprocess.Popen[str]],
) -> None:
    desk = desks(STUBBORN, WITH_CHILD)
    grandchild = int(next_line(desk, "child").split()[-1])
    family = [process.pid for process in psutil.Process(desk.pid).children(recursive=True)]
    assert grandchild in family
    desk.kill()
    desk.wait()
    until(lambda: all(map(is_gone, family)))


def test_a_killed_guard_is_replaced(desks: Callable[..., subprocess.Popen[str]]) -> None:
    desk = desks(WITH_CHILD)
    grandchild = int(next_line(desk, "child").split()[-1])
    family = psutil.Process(desk.pid).children(recursive=True)
    next(
        process for process in family if "supervision.orphans" in " ".join(process.cmdline())
    ).kill()
    next_line(desk, "starting another")
    time.sleep(0.2)
    desk.kill()
    desk.wait()
    until(lambda: is_gone(grandchild))
