"""The script of what goes wrong: single faults by endpoint and count, or a share of messages."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class Kind(StrEnum):
    """What can go wrong.

    To a request: DELAY answers late; DROP_BEFORE cuts the connection before the request counts,
    DROP_AFTER once it was taken; RESET cuts it, STATUS_... answer with a page of that status,
    HTML with a page and 200, EMPTY with 200 and nothing: before, unless ``accepted`` says so.
    To an order: PARTIAL_FILL lets only a part trade at first, REJECT_AFTER_ACK takes it and then
    refuses it. To a stream's message: DELAY, DUPLICATE, REORDER (it comes after the next), LOSE,
    MALFORMED; STALL leaves the stream silent and open, DISCONNECT cuts it. CLOCK_SKEW moves the
    venue's clock.
    """

    DELAY = "DELAY"
    DROP_BEFORE = "DROP_BEFORE"
    DROP_AFTER = "DROP_AFTER"
    RESET = "RESET"
    STATUS_403 = "STATUS_403"
    STATUS_429 = "STATUS_429"
    STATUS_500 = "STATUS_500"
    STATUS_502 = "STATUS_502"
    STATUS_503 = "STATUS_503"
    HTML = "HTML"
    EMPTY = "EMPTY"
    PARTIAL_FILL = "PARTIAL_FILL"
    REJECT_AFTER_ACK = "REJECT_AFTER_ACK"
    DUPLICATE = "DUPLICATE"
    REORDER = "REORDER"
    LOSE = "LOSE"
    MALFORMED = "MALFORMED"
    STALL = "STALL"
    DISCONNECT = "DISCONNECT"
    CLOCK_SKEW = "CLOCK_SKEW"


ON_REQUESTS = frozenset(
    {
        *(Kind.DELAY, Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.RESET, Kind.HTML, Kind.EMPTY),
        *(Kind.STATUS_403, Kind.STATUS_429, Kind.STATUS_500, Kind.STATUS_502, Kind.STATUS_503),
    }
)
ON_ORDERS = frozenset({Kind.PARTIAL_FILL, Kind.REJECT_AFTER_ACK})
ON_STREAMS = frozenset(
    {
        *(Kind.DELAY, Kind.DUPLICATE, Kind.REORDER, Kind.LOSE),
        *(Kind.MALFORMED, Kind.STALL, Kind.DISCONNECT),
    }
)
_DONE_BEFORE_IT_HAPPENS = frozenset({Kind.DELAY, Kind.DROP_AFTER})
_NEVER_DONE = frozenset({Kind.DROP_BEFORE, Kind.STATUS_403, Kind.STATUS_429})
_USUAL: Mapping[frozenset[Kind], Sequence[Kind]] = {
    ON_REQUESTS: (
        *(Kind.DELAY, Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.RESET),
        *(Kind.STATUS_502, Kind.STATUS_503, Kind.HTML, Kind.EMPTY),
    ),
    ON_ORDERS: (Kind.PARTIAL_FILL,),
    ON_STREAMS: (Kind.DELAY, Kind.DUPLICATE, Kind.REORDER, Kind.MALFORMED, Kind.DISCONNECT),
}


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        endpoint: Where: a pattern (``*/order/*``) or the end of a path; empty is everywhere.
        count: How often still.
        skip: How many messages that it could meet pass first.
        more: What the kind needs: ``seconds``, ``accepted``, ``quantity``, ``body``, ``reason``.
    """

    kind: Kind
    endpoint: str = ""
    count: int = 1
    skip: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        """Whether the request is taken although its answer goes wrong."""
        return bool(self.more.get("accepted", self.kind in _DONE_BEFORE_IT_HAPPENS))

    @property
    def loses_answer(self) -> bool:
        """Whether who asked never learns what was answered."""
        return self.kind is not Kind.DELAY

    def seconds(self, usually: float) -> float:
        """Return how long it takes."""
        return float(self.more.get("seconds", usually))

    def meets(self, endpoint: str, among: frozenset[Kind]) -> bool:
        """Tell whether it could happen to a message."""
        is_here = endpoint.endswith(self.endpoint) or fnmatchcase(endpoint, self.endpoint)
        return self.kind in among and is_here


class FaultScript:
    """What a test asked for; drawn from at each message.

    Attributes:
        met: What happened where, in order.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.met: list[tuple[Kind, str]] = []
        self._random = random.Random()
        self._share = 0.0
        self._kinds: frozenset[Kind] = frozenset()
        self._endpoint = ""
        self._more: dict[str, Any] = {}

    def add(
        self, kind: str, *, endpoint: str = "", count: int = 1, skip: int = 0, **more: Any
    ) -> None:
        """Let something go wrong the next ``count`` times at an endpoint.

        Raises:
            ValueError: There is no such fault, or the count is not above 0.
        """
        if count < 1 or skip < 0:
            raise ValueError(f"count {count} must be 1 or more and skip {skip} 0 or more")
        self.faults.append(Fault(_kind(kind), endpoint, count, skip, more))

    def randomly(
        self,
        *,
        seed: int,
        share: float,
        kinds: Sequence[str] = (),
        endpoint: str = "",
        **more: Any,
    ) -> None:
        """Let a share of all messages go wrong from now on, the same ones for the same seed.

        Args:
            share: From 0, which ends it, to 1.
            kinds: Of these alone; empty: of those that a venue survives by itself.
            endpoint: Of these messages alone.
            more: What each such fault gets.

        Raises:
            ValueError: There is no such fault or share.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share {share} must be from 0 to 1")
        self._kinds = frozenset(_kind(each) for each in kinds)
        self._random, self._share = random.Random(seed), share
        self._endpoint, self._more = endpoint, more

    def clear(self) -> None:
        """Let nothing more go wrong; what happened stays in ``met``."""
        self.faults.clear()
        self._share = 0.0

    def draw(self, endpoint: str, among: frozenset[Kind]) -> Fault | None:
        """Return what happens to a message now, if anything does."""
        fault = self._scripted(endpoint, among) or self._drawn(endpoint, among)
        if fault is not None:
            self.met.append((fault.kind, endpoint))
        return fault

    def counts(self) -> dict[str, int]:
        """Return how often each kind happened."""
        return dict(Counter(kind.value for kind, _ in self.met))

    def _scripted(self, endpoint: str, among: frozenset[Kind]) -> Fault | None:
        for fault in self.faults:
            if not fault.meets(endpoint, among):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.count -= 1
            if not fault.count:
                self.faults.remove(fault)
            return fault
        return None

    def _drawn(self, endpoint: str, among: frozenset[Kind]) -> Fault | None:
        if not self._share or not Fault(Kind.DELAY, self._endpoint).meets(
            endpoint, frozenset(Kind)
        ):
            return None
        if self._random.random() >= self._share:
            return None
        usual = sorted(among & self._kinds) if self._kinds else _USUAL.get(among, sorted(among))
        if not usual:
            return None
        fault = Fault(self._random.choice(list(usual)), endpoint, more=dict(self._more))
        if fault.kind not in _DONE_BEFORE_IT_HAPPENS | _NEVER_DONE:
            fault.more.setdefault("accepted", self._random.random() < 0.5)
        return fault


def _kind(word: str) -> Kind:
    try:
        return Kind(word)
    except ValueError:
        raise ValueError(f"no fault {word}; there are {sorted(Kind)}") from None
