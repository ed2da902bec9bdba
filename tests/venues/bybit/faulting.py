"""What goes wrong on request: a list of single faults, or some share of all messages."""

import random
from dataclasses import dataclass, field
from typing import Any

ON_REQUESTS = frozenset(
    {
        *("DELAY", "DROP_BEFORE", "DROP_AFTER", "STATUS_500", "STATUS_502", "STATUS_503"),
        *("STATUS_429", "STATUS_403", "HTML", "EMPTY", "RESET", "RETCODE"),
    }
)
ON_ORDERS = frozenset({"PARTIAL_FILL", "REJECT_AFTER_ACK"})
ON_STREAMS = frozenset({"DUPLICATE", "REORDER", "STALL", "MALFORMED", "DISCONNECT"})
KINDS = ON_REQUESTS | ON_ORDERS | ON_STREAMS | {"CLOCK_SKEW"}
_RANDOMLY = {
    ON_REQUESTS: ("DELAY", "DROP_BEFORE", "DROP_AFTER", "STATUS_502", "STATUS_503", "HTML",
                  "EMPTY", "RESET"),
    ON_ORDERS: ("PARTIAL_FILL",),
    ON_STREAMS: ("DUPLICATE", "REORDER", "DISCONNECT"),
}  # fmt: skip


@dataclass
class Fault:
    """One thing that goes wrong, where, and how often still."""

    kind: str
    endpoint: str = ""
    count: int = 1
    more: dict[str, Any] = field(default_factory=dict)

    def meets(self, endpoint: str, among: frozenset[str]) -> bool:
        return self.kind in among and (not self.endpoint or endpoint.endswith(self.endpoint))


class FaultScript:
    """What a test asked for; asked again at each message."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.met: list[tuple[str, str]] = []
        self._share = 0.0
        self._random = random.Random()
        self._kinds: frozenset[str] = frozenset()

    def add(self, kind: str, *, endpoint: str = "", count: int = 1, **more: Any) -> None:
        """Let something go wrong the next ``count`` times at an endpoint, a path's end.

        Raises:
            ValueError: There is no such fault.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind}; there are {sorted(KINDS)}")
        self.faults.append(Fault(kind, endpoint, count, more))

    def randomly(self, *, seed: int, share: float, kinds: list[str] | None = None) -> None:
        """Let a share of all messages go wrong from now on; 0 ends that."""
        self._random = random.Random(seed)
        self._share = share
        self._kinds = frozenset(kinds or ())

    def clear(self) -> None:
        self.faults.clear()
        self._share = 0.0

    def draw(self, endpoint: str, among: frozenset[str]) -> Fault | None:
        """Return what goes wrong now, if anything does."""
        fault = next((each for each in self.faults if each.meets(endpoint, among)), None)
        if fault is not None:
            fault.count -= 1
            if fault.count <= 0:
                self.faults.remove(fault)
        elif self._share and self._random.random() < self._share:
            kinds = [k for k in _RANDOMLY[among] if not self._kinds or k in self._kinds]
            if kinds:
                fault = Fault(self._random.choice(kinds))
        if fault is not None:
            self.met.append((fault.kind, endpoint))
        return fault
