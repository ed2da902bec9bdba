"""What the venue was asked and did, one JSON line each: it comes up again from this alone."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAVES_DOUBT = ("AB1004", "AB2000", "AB2001", "")  # none of these says that nothing was done


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
    """The entries: REQUEST as received, ANSWER by its number, DONE as the venue changed."""

    entries: list[dict[str, Any]]

    def of_kind(self, kind: str) -> Iterator[dict[str, Any]]:
        return (entry for entry in self.entries if entry["kind"] == kind)

    def requests(self, path_end: str = "/placeOrder") -> list[dict[str, Any]]:
        """Return the requests whose path ends so, as they came, faulted ones too."""
        return [entry for entry in self.of_kind("REQUEST") if entry["path"].endswith(path_end)]

    def places_by_tag(self) -> dict[str, int]:
        """Return how often each ordertag was asked to be placed."""
        return dict(Counter(entry["ordertag"] for entry in self.requests()))

    def accepted_by_tag(self) -> dict[str, int]:
        """Return how many orders were made with each ordertag; above 1 the desk sent twice."""
        made = (e for e in self.of_kind("DONE") if e["op"] == "place")
        return dict(Counter(entry["fields"]["asked"].get("ordertag", "") for entry in made))

    def blind_resends(self) -> list[str]:
        """Return tags placed again though no answer that arrived had refused the one before."""
        waiting: set[str] = set()
        blind: list[str] = []
        tags: dict[int, str] = {}
        for entry in self.entries:
            if entry["kind"] == "REQUEST" and entry["path"].endswith("/placeOrder"):
                tag = tags[entry["number"]] = entry["ordertag"]
                if tag:
                    blind += [tag] if tag in waiting else []
                    waiting.add(tag)
            elif entry["kind"] == "ANSWER" and entry["number"] in tags and _refuses(entry):
                waiting.discard(tags[entry["number"]])
        return blind


def _refuses(answer: dict[str, Any]) -> bool:
    """Tell whether a client may be sure that nothing was done; a 403 does not tell that."""
    return not answer["lost"] and not answer["ok"] and answer["code"] not in LEAVES_DOUBT


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
