"""Writes the lines of many programs to one stream, each line whole and with its origin."""

import os
import threading
from typing import IO, TextIO

COLOURS = (36, 33, 32, 35, 34, 31)  # ANSI: cyan, yellow, green, magenta, blue, red


class LinePrinter:
    """A stream that several threads write prefixed lines to."""

    def __init__(self, stream: TextIO, names: list[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._is_gone = False
        width = max(map(len, names), default=0)
        self._prefixes = {name: f"{name.ljust(width)} | " for name in names}
        if stream.isatty() and "NO_COLOR" not in os.environ:
            for position, name in enumerate(names):
                colour = COLOURS[position % len(COLOURS)]
                self._prefixes[name] = f"\033[{colour}m{self._prefixes[name]}\033[0m"

    def line(self, name: str, text: str) -> None:
        """Write one line; a reader who has gone away stops the writing, not the programs."""
        with self._lock:
            if self._is_gone:
                return
            try:
                self._stream.write(f"{self._prefixes[name]}{text}\n")
                self._stream.flush()
            except (OSError, ValueError):  # a broken pipe, or a stream closed at exit
                self._is_gone = True

    def pump(self, name: str, source: IO[bytes]) -> threading.Thread:
        """Write the lines of a pipe as they come, from a thread that ends with the pipe."""
        thread = threading.Thread(
            target=self._copy, args=(name, source), name=f"output of {name}", daemon=True
        )
        thread.start()
        return thread

    def _copy(self, name: str, source: IO[bytes]) -> None:
        with source:
            for line in source:
                self.line(name, line.decode(errors="replace").rstrip())
