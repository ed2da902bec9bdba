"""Answers with a code that a test asked for; all other faults are of the shared script."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass
class CodeRule:
    """Answer with ``code`` the next times; the request is done where ``accepted``."""

    code: int
    message: str = ""
    endpoint: str = ""
    count: int = 1
    accepted: bool = False


class CodeScript:
    """What tests asked to be answered."""

    def __init__(self) -> None:
        self._rules: list[CodeRule] = []

    def add(self, rule: CodeRule) -> None:
        self._rules.append(rule)

    def clear(self) -> None:
        self._rules.clear()

    def draw(self, path: str) -> CodeRule | None:
        """Return the code that a request gets now instead of its own."""
        for rule in self._rules:
            if path.endswith(rule.endpoint) or fnmatchcase(path, rule.endpoint):
                rule.count -= 1
                if rule.count <= 0:
                    self._rules.remove(rule)
                return rule
        return None
