"""What goes wrong on request, told apart by where: on the wire, in the book, in the reports."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.venues.loopback.fields import Fields, Refusal


class Endpoint(StrEnum):
    """What a rule watches. STREAM is the publication of reports, ANY each of the desk's calls."""

    PLACE = "PLACE"
    AMEND = "AMEND"
    CANCEL = "CANCEL"
    CANCEL_ALL = "CANCEL_ALL"
    FIND = "FIND"
    OPEN = "OPEN"
    REPORTS = "REPORTS"
    FILLS = "FILLS"
    POSITIONS = "POSITIONS"
    BALANCES = "BALANCES"
    STREAM = "STREAM"
    ANY = "ANY"


class Fault(StrEnum):
    """What goes wrong. BEFORE: nothing was done; AFTER: it was, and the answer is lost or bad.

    On the wire: DROP closes the connection without a word, DELAY waits, ERROR answers with a 5xx,
    MALFORMED with something that is no answer, TRUNCATED with half of it; THROTTLE is 429 and
    UNAUTHORIZED 401, both before. In the book: CROSS_FILL lets a cancelled order's last fill
    arrive after the cancel was confirmed, REJECT_LATER acknowledges an order and rejects it in a
    report. In the reports: DUPLICATE publishes twice, LATE after some others, OUT_OF_ORDER after a
    random number of others, ACK_AFTER_FILL the acceptance after the first fill, FILL_AFTER_FINAL
    fills after the order's end.
    """

    DROP_BEFORE = "DROP_BEFORE"
    DROP_AFTER = "DROP_AFTER"
    DELAY_BEFORE = "DELAY_BEFORE"
    DELAY_AFTER = "DELAY_AFTER"
    ERROR_BEFORE = "ERROR_BEFORE"
    ERROR_AFTER = "ERROR_AFTER"
    MALFORMED = "MALFORMED"
    TRUNCATED = "TRUNCATED"
    THROTTLE = "THROTTLE"
    UNAUTHORIZED = "UNAUTHORIZED"
    CROSS_FILL = "CROSS_FILL"
    REJECT_LATER = "REJECT_LATER"
    DUPLICATE = "DUPLICATE"
    LATE = "LATE"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    ACK_AFTER_FILL = "ACK_AFTER_FILL"
    FILL_AFTER_FINAL = "FILL_AFTER_FINAL"


IN_THE_BOOK = {Fault.CROSS_FILL: Endpoint.CANCEL, Fault.REJECT_LATER: Endpoint.PLACE}
IN_THE_REPORTS = frozenset(
    {
        *(Fault.DUPLICATE, Fault.LATE, Fault.OUT_OF_ORDER),
        *(Fault.ACK_AFTER_FILL, Fault.FILL_AFTER_FINAL),
    }
)
ON_THE_WIRE = frozenset(Fault) - IN_THE_REPORTS - frozenset(IN_THE_BOOK)
BEFORE = frozenset({Fault.DROP_BEFORE, Fault.ERROR_BEFORE, Fault.THROTTLE, Fault.UNAUTHORIZED})
DELAYS = frozenset({Fault.DELAY_BEFORE, Fault.DELAY_AFTER})


@dataclass(slots=True, kw_only=True)
class FaultRule:
    """One thing that goes wrong, how often, and how.

    Attributes:
        skip: How many that it could meet pass first.
        remaining: How often it still happens; None: for good.
        probability: Chance per meeting, drawn from ``seed``: the same calls meet the same faults.
        account: Only this one; None: any.
        seconds: How long it waits before it happens.
        status: HTTP status of an ERROR. body: what a MALFORMED answer says instead.
        retry_after: What a THROTTLE says, in seconds.
        reports: After how many others a LATE report comes, or at most an OUT_OF_ORDER one.
    """

    endpoint: Endpoint
    fault: Fault
    skip: int
    remaining: int | None
    probability: float
    seed: int
    account: str | None
    seconds: float
    status: int
    body: str
    retry_after: str
    reports: int
    draws: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Start the draws."""
        self.draws = random.Random(self.seed)

    def watches(self, endpoint: Endpoint, account: str) -> bool:
        """Tell whether it could happen here."""
        is_here = self.endpoint is endpoint or (
            self.endpoint is Endpoint.ANY and endpoint is not Endpoint.STREAM
        )
        return is_here and self.account in (None, account) and self.remaining != 0

    def happens(self) -> bool:
        """Decide, and count."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.draws.random() >= self.probability:
            return False
        if self.remaining is not None:
            self.remaining -= 1
        return True


def rule_read(body: object) -> FaultRule:
    """Read a rule from JSON: ``endpoint``, ``fault``, and how it differs from "the next one"."""
    read = Fields(body)
    has_chance = read.has("probability")
    fault = read.choice("fault", Fault)
    rule = FaultRule(
        endpoint=read.choice("endpoint", Endpoint, _usual_endpoint(fault)),
        fault=fault,
        skip=read.count("skip", default=0),
        remaining=read.count_or_none("count", default=None if has_chance else 1),
        probability=read.number("probability", default=1.0),
        seed=read.count("seed", default=0),
        account=read.text_or_none("account"),
        seconds=read.number("seconds", default=0.0),
        status=read.count("status", default=500),
        body=read.text("body", '{"client_order_id": "'),
        retry_after=read.text("retry_after", "1"),
        reports=read.count("reports", default=1),
    )
    read.done()
    _rule_check(rule)
    return rule


def _usual_endpoint(fault: Fault) -> Endpoint:
    if fault in IN_THE_REPORTS:
        return Endpoint.STREAM
    return IN_THE_BOOK.get(fault, Endpoint.ANY)


def _rule_check(rule: FaultRule) -> None:
    belongs = _usual_endpoint(rule.fault)
    on_the_wire = rule.fault in ON_THE_WIRE
    if rule.endpoint is not belongs and (not on_the_wire or rule.endpoint is Endpoint.STREAM):
        raise Refusal(f"{rule.fault} happens at {belongs}, not at {rule.endpoint}", code="FAULT")
    if not 500 <= rule.status <= 599:
        raise Refusal(f"an error is a 5xx, not {rule.status}", code="FAULT")
    if rule.probability > 1 or rule.reports < 1:
        raise Refusal("a probability is 1 at most, and a report waits for 1 or more", code="FAULT")


class FaultPlan:
    """The rules in force, oldest first. A restarted venue has none."""

    def __init__(self) -> None:
        """Start without faults."""
        self._rules: list[FaultRule] = []

    def add(self, rule: FaultRule) -> None:
        """Put a rule into force."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Let all go well from now on."""
        self._rules.clear()

    def wire(self, endpoint: Endpoint, account: str) -> list[FaultRule]:
        """Return what goes wrong with a request on the wire: every delay, and one thing besides."""
        found: list[FaultRule] = []
        for rule in self._watching(endpoint, account):
            is_one_too_many = rule.fault not in DELAYS and any(
                other.fault not in DELAYS for other in found
            )
            if rule.fault in ON_THE_WIRE and not is_one_too_many and rule.happens():
                found.append(rule)
        return found

    def book(self, fault: Fault, account: str) -> bool:
        """Tell whether one of the book's faults happens now."""
        watching = self._watching(IN_THE_BOOK[fault], account)
        return any(rule.fault is fault and rule.happens() for rule in watching)

    def report(self, report: dict[str, Any], account: str) -> FaultRule | None:
        """Return what goes wrong with the publication of a report, if anything."""
        watching = self._watching(Endpoint.STREAM, account)
        meant = (rule for rule in watching if _is_meant(rule.fault, report))
        return next((rule for rule in meant if rule.happens()), None)

    def _watching(self, endpoint: Endpoint, account: str) -> Iterator[FaultRule]:
        return (rule for rule in self._rules if rule.watches(endpoint, account))


def _is_meant(fault: Fault, report: dict[str, Any]) -> bool:
    """Tell whether a fault of publication is about such a report."""
    if fault is Fault.ACK_AFTER_FILL:
        return bool(report["type"] == "ORDER" and report["status"] == "NEW")
    if fault is Fault.FILL_AFTER_FINAL:
        return bool(report["type"] == "FILL" or report["status"] == "PARTIALLY_FILLED")
    return fault in IN_THE_REPORTS
