"""``manage.py desk``: refuses readably, runs for real, leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from apps.core.embedded.locks import FileLock
from apps.operations.desk import DeskRefused, desk_programs, port_check

PROJECT_DIR = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], object], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Desk:
    """A real desk on a folder and a port of its own."""

    def __init__(self, var_dir: Path) -> None:
        self.port = free_port()
        self.log = var_dir / "desk.log"
        self.env = {
            **os.environ,
            "DESK_VAR_DIR": str(var_dir),
            "DESK_HTTP_PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "tradingsite.settings.embedded",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "desk"],
                cwd=PROJECT_DIR,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        return self.process

    def says(self, text: str) -> bool:
        assert self.process is not None
        lines = self.log.read_text(errors="replace")
        assert self.process.poll() is None or text in lines, f"the desk ended:\n{lines}"
        return text in lines

    def family(self) -> list[psutil.Process]:
        """Return all that the desk started, its servers included."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def desk() -> Iterator[Desk]:
    var_dir = Path(tempfile.mkdtemp(prefix="desk-"))
    var_dir.chmod(0o755)
    desk = Desk(var_dir)
    yield desk
    if desk.process is not None and desk.process.poll() is None:
        family = desk.family()
        desk.process.kill()
        desk.process.wait()
        until(lambda: not any(map(is_running, family)), seconds=30)
    until(lambda: not is_used(var_dir), seconds=30)
    shutil.rmtree(var_dir)


def is_used(folder: Path) -> bool:
    """Tell whether a process names the folder: servers stop a moment after their last user."""
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or ()):
            return True
    return False


def test_a_taken_port_is_named_with_the_way_to_choose_another() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DeskRefused, match=rf"port {port} of .* in use.*DESK_HTTP_PORT"):
            port_check(host="127.0.0.1", port=port)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(DeskRefused, match=r"port 8000 of 192\.0\.2\.1 cannot be used"):
        port_check(host="192.0.2.1", port=8000)


def test_a_port_that_a_stopped_desk_has_just_left_is_usable() -> None:
    port = free_port()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # our side closes first and goes to TIME_WAIT
    port_check(host="127.0.0.1", port=port)


def test_the_worker_serves_every_queue_that_tasks_are_routed_to() -> None:
    programs = {spec.name: list(spec.command) for spec in desk_programs(http_port=8000)}
    assert list(programs) == ["web", "worker", "beat", "feed", "switch"]
    assert "execution,reconciliation,operations" in programs["worker"]
    assert "127.0.0.1:8000" in programs["web"]


def test_a_second_desk_on_the_same_folder_is_refused_and_starts_nothing(desk: Desk) -> None:
    with FileLock(desk.log.parent / "desk.lock") as lock:
        assert lock.try_own()
        process = desk.start()
        assert process.wait(60) == 1
    text = desk.log.read_text()
    assert f"a desk is already running on {desk.log.parent}" in text
    assert "web " not in text
    assert "Traceback" not in text


def test_a_desk_whose_port_is_taken_ends_with_a_message_and_starts_nothing(desk: Desk) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", desk.port))
        other.listen()
        process = desk.start()
        assert process.wait(60) == 1
    text = desk.log.read_text()
    assert f"port {desk.port} of 127.0.0.1 cannot be used" in text
    assert "web " not in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_a_desk_opens_and_a_stop_leaves_no_process_behind(desk: Desk) -> None:
    process = desk.start()
    until(lambda: desk.says(f"open at http://127.0.0.1:{desk.port}/"), seconds=120)
    until(lambda: desk.says(" ready."), seconds=60)  # the worker
    family = desk.family()
    names = " ".join(" ".join(member.cmdline()) for member in family)
    for program in (
        "gunicorn",
        "celery -A tradingsite --quiet worker",
        "beat",
        "kill_switch watch",
        "postgres",
        "redis-server",
    ):
        assert program in names
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert not any(map(is_running, family))


@pytest.mark.slow
def test_a_killed_desk_leaves_no_process_behind_after_some_seconds(desk: Desk) -> None:
    process = desk.start()
    until(lambda: desk.says("Booting worker"), seconds=120)  # a child of the web process
    until(lambda: desk.says(" ready."), seconds=60)
    family = desk.family()
    assert len(family) > 10
    process.kill()
    process.wait()
    until(lambda: not any(map(is_running, family)), seconds=30)
