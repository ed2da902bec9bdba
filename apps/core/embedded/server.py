"""Runs one server as a child of the keeper; what differs between servers is in their modules."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import (
    folder_writable_ensure,
    private_folder_ensure,
    system_folder_ensure,
)
from apps.core.embedded.places import SYSTEM_FOLDER, Place

READY_SECONDS = 120  # crash recovery of a busy database takes its time
POLL_SECONDS = 0.02
LOG_BYTES = 10_000_000
TAIL_LINES = 12
PR_SET_PDEATHSIG = 1
AT_WORK = "a keeper is at work"
"""What a keeper answers to the process that started it; anything else is the reason why not."""

Stops = tuple[tuple[signal.Signals, float], ...]
"""Signals that stop a server, each with the seconds to wait for its effect."""


class Server(Protocol):
    """What the keeper needs to know of a server."""

    stops: ClassVar[Stops]

    @property
    def place(self) -> Place:
        """Where it lives."""

    def prepare(self) -> None:
        """Make the server's folders ready for a start, also after a crash."""

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    def is_ready(self) -> bool:
        """Try once to use the server, and complete its first set-up."""


def folders_prepare(place: Place) -> None:
    """Create the folders that every server has.

    Raises:
        EmbeddedServicesError: One is not writable or not private.
    """
    folder_writable_ensure(place.control_dir)
    if SYSTEM_FOLDER in place.home_dir.parents:
        system_folder_ensure(place.home_dir.parent)
        system_folder_ensure(place.home_dir)
    private_folder_ensure(place.socket_dir, place.user)
    log_file = place.log_file
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES:
        log_file.replace(log_file.with_suffix(".log.1"))


def server_start(server: Server) -> subprocess.Popen[bytes]:
    """Start a prepared server and wait until it answers.

    Raises:
        EmbeddedServicesError: It ended or stayed silent; with the end of its log.
    """
    place = server.place
    process = child_start(
        server.command(), place=place, death_signal=server.stops[0][0], output=place.log_file
    )
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EmbeddedServicesError(
                f"{place.service} ended at once (status {process.returncode}). {log_end(place)}"
            )
        if server.is_ready():
            return process
        time.sleep(POLL_SECONDS)
    server_stop(server, process)
    raise EmbeddedServicesError(
        f"{place.service} did not answer within {READY_SECONDS} seconds. {log_end(place)}"
    )


def server_stop(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Stop a server, more firmly each time it does not obey."""
    for stop_signal, seconds in server.stops:
        process.send_signal(stop_signal)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def child_start(
    command: list[str], *, place: Place, death_signal: signal.Signals, output: Path
) -> subprocess.Popen[bytes]:
    """Start a program as the server's user, in a session of its own that ends with ours.

    Raises:
        EmbeddedServicesError: This process may not become that user.
    """
    user = place.user
    try:
        with output.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                umask=0o077,
                start_new_session=True,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
                preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509  we have one thread
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServicesError(
            f"cannot run {command[0]} as user id {user.uid if user else os.geteuid()}: {error}. "
            "Start as an ordinary user, or set DATABASE_URL and REDIS_URL to servers of your own."
        ) from error


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a child must call so that not even SIGKILL of its parent leaves it behind.

    Elsewhere than on Linux the next keeper stops what an earlier one left.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def call() -> None:
        if libc.prctl(PR_SET_PDEATHSIG, int(death_signal)) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")

    return call


def log_end(place: Place) -> str:
    """Return the last lines of a server's log with what usually helps."""
    lines = place.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    usage = shutil.disk_usage(place.home_dir)
    room = f"{usage.free // 1_000_000} MB free there"
    return (
        f"Its files are in {place.home_dir} ({room}); the end of {place.log_file}:\n"
        + "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
    )
