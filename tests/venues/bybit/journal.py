"""What the venue was asked and did, one JSON line each: it comes up again from this alone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOKUPS = ("/v5/order/realtime", "/v5/order/history")
CREATE = "/v5/order/create"
AMBIGUOUS = (10000, 10014, 10016, 110072, 170141)  # the first may have been taken


class JournalFile:
    """Appends lines; each is with the operating system before anybody gets an answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")

    def write(self, **entry: Any) -> None:
        """Append an entry."""
        self._file.write(json.dumps(entry, default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class Journal:
    """The entries of a journal: REQUEST as received, ANSWER by its number, DONE as it changed."""

    entries: list[dict[str, Any]]

    def of_kind(self, kind: str) -> Iterator[dict[str, Any]]:
        return (entry for entry in self.entries if entry["kind"] == kind)

    def requests(self, path: str = CREATE) -> list[dict[str, Any]]:
        """Return the requests of a path, batches taken apart, in order of arrival."""
        return [entry for entry in self.of_kind("REQUEST") if entry["path"] == path]

    def creates_by_link(self) -> dict[str, int]:
        """Return how often each orderLinkId was asked to be created."""
        counts: dict[str, int] = {}
        for entry in self.requests():
            counts[entry["link_id"]] = counts.get(entry["link_id"], 0) + 1
        return counts

    def accepted_by_link(self) -> dict[str, int]:
        """Return how many orders were made of each orderLinkId; above 1 is a fault of the venue."""
        counts: dict[str, int] = {}
        for entry in self.of_kind("DONE"):
            if entry["op"] == "create" and (link_id := entry["fields"]["asked"].get("orderLinkId")):
                counts[link_id] = counts.get(link_id, 0) + 1
        return counts

    def blind_resends(self) -> list[str]:
        """Return ids sent again though neither a refusal nor a look-up of the id told of the first.

        An answer tells where it was not lost: a final refusal of the first request, or a look-up
        by orderLinkId that succeeded.
        """
        unknown: set[str] = set()
        blind: list[str] = []
        asked: dict[int, dict[str, Any]] = {}
        for entry in self.entries:
            if entry["kind"] == "REQUEST":
                asked[entry["number"]] = entry
                link_id = entry["link_id"]
                if entry["path"] == CREATE and link_id:
                    blind += [link_id] if link_id in unknown else []
                    unknown.add(link_id)
            elif entry["kind"] == "ANSWER" and not entry["lost"]:
                request = asked[entry["number"]]
                if _tells(request["path"], entry["code"]):
                    unknown.discard(request["link_id"])
        return blind


def _tells(path: str, code: int) -> bool:
    if path in LOOKUPS:
        return code == 0
    return path == CREATE and code not in (0, *AMBIGUOUS)


def journal_read(path: Path) -> Journal:
    """Read a journal; a last line that a kill cut short does not count."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines):
                raise
    return Journal(entries)
