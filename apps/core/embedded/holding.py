"""Holds the embedded servers up for a process, and leaves none behind after the last one."""

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import folder_writable_ensure
from apps.core.embedded.locks import FileLock, is_owned
from apps.core.embedded.places import Place
from apps.core.embedded.server import AT_WORK

PROJECT_DIR = Path(__file__).resolve().parents[3]
START_SECONDS = 180.0
END_SECONDS = 90.0
LOOK_SECONDS = 0.05


@contextlib.contextmanager
def place_held(place: Place, *, var_dir: Path) -> Iterator[None]:
    """Keep the server of a place up; when this was its last user, return after it has stopped.

    Raises:
        EmbeddedServicesError: The server cannot be started.
    """
    folder_writable_ensure(place.control_dir)
    with FileLock(place.control_dir / "users.lock") as users:
        users.share()  # waits while a keeper is stopping the server
        keeper = _keeper_ensure(place, var_dir)
        yield
    _last_one_waits(place, keeper)


def _keeper_ensure(place: Place, var_dir: Path) -> subprocess.Popen[str] | None:
    """Wait until the server is up; return its keeper if it is our child."""
    keeper = None
    deadline = time.monotonic() + START_SECONDS
    while not is_owned(place.control_dir / "ready.lock"):
        if time.monotonic() > deadline:
            raise EmbeddedServicesError(
                f"{place.service} is not ready after {START_SECONDS:.0f} seconds; "
                f"see {place.control_dir}/keeper.log"
            )
        if is_owned(place.control_dir / "keeper.lock"):
            time.sleep(LOOK_SECONDS)
        else:
            keeper = _keeper_start(place, var_dir)
    return keeper


def _keeper_start(place: Place, var_dir: Path) -> subprocess.Popen[str]:
    if place.is_moved:
        sys.stderr.write(
            f"{place.service} runs as an unprivileged user, who cannot reach "
            f"{place.control_dir}: its files are in {place.home_dir}\n"
        )
    search_path = os.pathsep.join(filter(None, (str(PROJECT_DIR), os.environ.get("PYTHONPATH"))))
    keeper = subprocess.Popen(
        [sys.executable, "-m", "apps.core.embedded.keeper", place.service, str(var_dir)],
        env={**os.environ, "PYTHONPATH": search_path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for us; the keeper sees that we have gone
        text=True,
    )
    with keeper.stdout or io.StringIO() as pipe:
        answer = pipe.read()  # the keeper closes its end after the answer
    if answer != AT_WORK:
        keeper.wait()
        raise EmbeddedServicesError(answer.strip() or f"the keeper of {place.service} died")
    return keeper


def _last_one_waits(place: Place, keeper: subprocess.Popen[str] | None) -> None:
    """Wait for the keeper to go, unless somebody else still uses the server."""
    deadline = time.monotonic() + END_SECONDS
    with FileLock(place.control_dir / "users.lock") as users:
        while is_owned(place.control_dir / "keeper.lock") and time.monotonic() < deadline:
            is_stopping = not users.try_share()
            if not is_stopping and not users.try_own():
                return  # another user shares the lock
            users.release()
            time.sleep(LOOK_SECONDS)
    if keeper is not None:
        keeper.wait(END_SECONDS)
