"""The venue's memory on disk: one JSON line for all that it heard, did and answered."""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Entry = dict[str, Any]
encode = json.JSONEncoder(separators=(",", ":")).encode


class JournalInUse(RuntimeError):
    """Another venue writes this journal."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What a venue wrote down, oldest first.

    Attributes:
        is_torn: The venue was killed in the middle of its last line, which is left out.
    """

    entries: tuple[Entry, ...]
    is_torn: bool = False

    def of_kind(self, *kinds: str) -> Iterator[Entry]:
        """Give the entries of some kinds."""
        return (entry for entry in self.entries if entry["kind"] in kinds)

    def requests(self, endpoint: str) -> Iterator[Entry]:
        """Give the requests that reached an endpoint, answered or not."""
        return (entry for entry in self.of_kind("request") if entry["endpoint"] == endpoint)


def journal_read(path: Path) -> Journal:
    """Read a journal, of a venue that runs or of one that was killed.

    Raises:
        ValueError: A line before the last is no entry: the file is no journal, or damaged.
    """
    whole, _, torn = path.read_bytes().rpartition(b"\n")
    entries = [_entry(path, number, line) for number, line in enumerate(whole.splitlines(), 1)]
    return Journal(entries=tuple(entries), is_torn=bool(torn))


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        entry = json.loads(line)
    except ValueError as damage:
        raise ValueError(f"{path}, line {number}, is no JSON: {damage}") from damage
    if isinstance(entry, dict) and isinstance(entry.get("kind"), str):
        return entry
    raise ValueError(f"{path}, line {number}, is no entry of a journal: {line[:80]!r}")


class JournalWriter:
    """Appends entries, each line whole, before anybody hears of what it says.

    A line is with the operating system once ``write`` returns: killing the process loses nothing.
    """

    def __init__(self, path: Path) -> None:
        """Open a journal for this process alone, and cut off a line that was never finished.

        Raises:
            JournalInUse: Another process writes it.
        """
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise JournalInUse(f"another venue writes {path}; end it first") from None
        self.past = journal_read(path)
        if self.past.is_torn:
            os.ftruncate(self._file, path.read_bytes().rfind(b"\n") + 1)
        self._sequence = len(self.past.entries)
        self._lock = threading.Lock()

    def write(self, entries: Sequence[Entry]) -> None:
        """Append entries in one go, stamped with both clocks and a sequence number."""
        with self._lock:
            at_ns, wall = time.monotonic_ns(), datetime.now(UTC).isoformat()
            lines = []
            for entry in entries:
                self._sequence += 1
                stamp = {"seq": self._sequence, "at_ns": at_ns, "wall": wall}
                lines.append(encode({**stamp, **entry}))
            left = ("\n".join(lines) + "\n").encode()
            while left:
                left = left[os.write(self._file, left) :]

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
