"""Ends the supervised programs when their supervisor cannot: after a SIGKILL, say.

``python -m apps.core.supervision.orphans`` reads ``+GROUP`` and ``-GROUP`` lines. When the pipe
ends, whatever ended the writer, it stops the process groups that are still on the list.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.05
IS_THERE = 0  # the signal that is only checked, not sent


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
