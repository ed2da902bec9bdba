"""File locks that the kernel releases whenever and however their holder ends."""

import fcntl
import os
from pathlib import Path
from typing import Self

from apps.core.embedded.errors import EmbeddedServicesError

PRIVATE_FILE = 0o600


class FileLock:
    """An flock on a file of its own; the content of the file means nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            raise EmbeddedServicesError(
                f"cannot open the lock file {path}: {error.strerror}. Make it yours, or set "
                "DESK_VAR_DIR to a folder of your own."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock, if held, and the file."""
        os.close(self._descriptor)

    def share(self) -> None:
        """Take the lock beside other sharers; wait while it is held exclusively."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def own(self) -> None:
        """Take the lock exclusively; wait for all others."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def try_share(self) -> bool:
        """Take the lock beside other sharers, unless it is held exclusively."""
        return self._try(fcntl.LOCK_SH)

    def try_own(self) -> bool:
        """Take the lock exclusively, unless anybody holds it."""
        return self._try(fcntl.LOCK_EX)

    def release(self) -> None:
        """Give the lock back and keep the file open."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_owned(path: Path) -> bool:
    """Return whether some process holds the lock exclusively.

    The look takes the lock for an instant: an owner-to-be must wait or try more than once.
    """
    with FileLock(path) as lock:
        return not lock.try_share()
