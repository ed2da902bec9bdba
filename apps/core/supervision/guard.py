"""The supervisor's side of a process that outlives it for some seconds and ends its orphans."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[3]


class Guard:
    """Tells the process `orphans` which process groups are alive."""

    def __init__(self) -> None:
        search_path = filter(None, (str(PROJECT_DIR), os.environ.get("PYTHONPATH")))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "apps.core.supervision.orphans"],
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
