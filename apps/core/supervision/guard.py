"""Ends the supervised programs when their supervisor cannot: after a SIGKILL, say.

``python -m apps.core.supervision.guard`` reads ``+GROUP`` and ``-GROUP`` lines. When the pipe ends,
whatever ended the writer, it stops the process groups that are still on the list.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.05
IS_THERE = 0  # the signal that is only checked, not sent
PROJECT_DIR = Path(__file__).resolve().parents[3]


class Guard:
    """The supervisor's side: a process that outlives it for some seconds."""

    def __init__(self) -> None:
        search_path = filter(None, (str(PROJECT_DIR), os.environ.get("PYTHONPATH")))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "apps.core.supervision.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
            start_new_session=True,
            text=True,
            bufsize=1,
        )

    @property
    def is_alive(self) -> bool:
        """Whether it still watches."""
        return self._process.poll() is None

    def add(self, group: int) -> None:
        """Put a process group under guard."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a process group that has gone; its number may become somebody else's."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the guard go."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # a dead guard is replaced by a new one
                self._process.stdin.write(line)


def watch(lines: Iterable[str]) -> set[int]:
    """Follow the supervisor's lines to their end; return the groups that are left."""
    groups: set[int] = set()
    for line in lines:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    return groups


def groups_end(groups: set[int]) -> None:
    """Ask the groups to stop, and kill what has not after the grace."""
    left = {group for group in groups if _signal(group, signal.SIGTERM)}
    deadline = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        left = {group for group in left if _signal(group, IS_THERE)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; return whether anybody was there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS: only zombies left
        return False
    return True


def main() -> None:
    """Watch until the supervisor ends; signals meant for it are none of the guard's business."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups_end(watch(sys.stdin))


if __name__ == "__main__":
    main()
