"""The named steps of the order path at which a worker is killed, as a table."""

from dataclasses import dataclass
from enum import StrEnum

PIPELINE = "apps.execution.pipeline"
DECIDING = "apps.execution.services.deciding"
SENDING = "apps.execution.services.sending"
RECOVERY = "apps.execution.services.recovery"
GROUPS = "apps.execution.services.groups"
CLOSING = "apps.execution.services.closing"
INTAKE = "apps.reconciliation.services.intake"
GATEWAY = "tests.venues.loopback.gateway:LoopbackGateway"
CURSOR = "apps.execution.services.progress:cursor_advance"
PLACE, AMEND, CANCEL = (f"{GATEWAY}.order_{word}" for word in ("place", "amend", "cancel"))
REPLY = "http.client:HTTPConnection.getresponse"
SEND = f"{SENDING}:_claimed_send"


class Moment(StrEnum):
    """When a worker dies: before or after the call, or with half of its bytes on the wire."""

    BEFORE = "BEFORE"
    AFTER = "AFTER"
    HALFWAY = "HALFWAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One place in the code of the order path.

    Attributes:
        words: What has happened by then, and what has not.
        place: The name that is called there, ``module:name`` or ``module:Class.name``.
        scenes: What leads there; see ``scenes``.
        within: Only while a call of this other place is under way.
        needs: Only after a call of this other place has come back.
        passes: Kills are spread over this many passes of the place.
    """

    name: str
    words: str
    place: str
    moment: Moment
    scenes: tuple[str, ...]
    within: str = ""
    needs: str = ""
    passes: int = 1


B, A = Moment.BEFORE, Moment.AFTER


def _step(
    name: str,
    words: str,
    place: str,
    moment: Moment,
    *scenes: str,
    within: str = "",
    needs: str = "",
    passes: int = 1,
) -> Step:
    return Step(
        name=name,
        words=words,
        place=place,
        moment=moment,
        scenes=scenes,
        within=within,
        needs=needs,
        passes=passes,
    )


_DECIDED = (
    _step("signal-before", "signal not recorded", f"{PIPELINE}:signal_record", B, "turn"),
    _step("signal-open", "signal not committed", f"{PIPELINE}:signal_record", A, "turn"),
    _step("signal-after", "signal committed", f"{PIPELINE}:signal_is_ordered", B, "turn"),
    _step("decision-open", "decision not committed", f"{DECIDING}:risk_decide", A, "turn"),
    _step("orders-open", "orders not committed", f"{PIPELINE}:orders_decide", A, "turn"),
    _step("orders-after", "orders committed, none sent", f"{PIPELINE}:order_send", B, "turn"),
)
_SENT = (
    _step(
        "claim-open",
        "claim not committed",
        f"{SENDING}:order_claim",
        A,
        "turn",
        "market",
        passes=2,
    ),
    _step("claim-after", "claimed, nothing on the wire", PLACE, B, "turn", "market", passes=2),
    _step(
        "request-half",
        "half of the order on the wire",
        "http.client:HTTPConnection.send",
        Moment.HALFWAY,
        "turn",
        "market",
        within=PLACE,
        passes=4,
    ),
    _step(
        "request-after",
        "order sent, reply unread",
        REPLY,
        B,
        "turn",
        "market",
        within=PLACE,
        passes=2,
    ),
    _step("reply-read", "reply read, not recorded", PLACE, A, "turn", "market", passes=2),
    _step(
        "answer-open",
        "answer not committed",
        f"{INTAKE}:order_report_record",
        A,
        "turn",
        "market",
        within=SEND,
        passes=2,
    ),
    _step("answer-after", "answer committed", SEND, A, "turn", "market", passes=2),
    _step(
        "turn-half",
        "exit answered, entry not sent",
        f"{PIPELINE}:order_send",
        B,
        "turn",
        needs=SEND,
    ),
)
_TAKEN_IN = (
    _step("page-before", "page read, not recorded", f"{INTAKE}:_page_record", B, "turn", "market"),
    _step("fill-open", "fill recorded, not booked", f"{INTAKE}:fill_book", B, "turn", "market"),
    _step(
        "page-open",
        "page not committed",
        f"{INTAKE}:_report_record",
        A,
        "turn",
        "market",
        passes=3,
    ),
    _step("page-after", "page committed", f"{INTAKE}:_page_record", A, "turn", "market"),
    _step("cursor-before", "sent, cursor not moved", CURSOR, B, "turn", needs=SEND),
    _step("cursor-after", "cursor moved", CURSOR, A, "turn", needs=SEND),
    _step(
        "lease-held",
        "deployment's lease not released",
        "apps.execution.runner:lease_release",
        B,
        "turn",
        needs=SEND,
    ),
    _step(
        "account-lease-held",
        "account's lease not released",
        "apps.execution.account_runner:account_lease_release",
        B,
        "market",
        needs=SEND,
    ),
)
_CHANGED = (
    _step(
        "cancel-open",
        "cancel not committed",
        f"{SENDING}:order_cancel_request",
        A,
        "take-back",
    ),
    _step("cancel-after", "cancel committed, not asked", CANCEL, B, "take-back", "cancel"),
    _step(
        "cancel-sent",
        "cancel asked, reply unread",
        REPLY,
        B,
        "take-back",
        "cancel",
        within=CANCEL,
    ),
    _step("cancel-read", "cancel confirmed, not recorded", CANCEL, A, "take-back", "cancel"),
    _step("terms-after", "new terms committed, not asked", AMEND, B, "amend"),
    _step("terms-sent", "new terms asked, reply unread", REPLY, B, "amend", within=AMEND),
    _step("terms-read", "new terms in force, not recorded", AMEND, A, "amend"),
    _step(
        "terms-open",
        "new terms recorded, not committed",
        f"{INTAKE}:order_report_record",
        A,
        "amend",
        within="apps.execution.services.amending:amendment_send",
    ),
)
_MANAGED = (
    _step(
        "managed-open", "managed order not committed", f"{DECIDING}:group_create", A, "protected"
    ),
    _step("managed-after", "managed order committed, not begun", f"{GROUPS}:_plan", B, "protected"),
    _step(
        "legs-open",
        "legs not committed",
        f"{GROUPS}:group_plan_record",
        B,
        "oco",
        "bracket",
        within=f"{GROUPS}:_carry_out",
    ),
    _step("legs-after", "legs committed, none sent", f"{GROUPS}:_act", B, "oco", "bracket"),
    _step(
        "oco-half",
        "OCO: stop answered, target not sent",
        f"{GROUPS}:order_send",
        B,
        "oco",
        needs=SEND,
    ),
    _step(
        "bracket-filled",
        "bracket: entry filled, no exits yet",
        f"{GROUPS}:group_leg_create",
        B,
        "bracket",
        needs=SEND,
    ),
    _step(
        "bracket-half",
        "bracket: entry or stop answered, next not sent",
        f"{GROUPS}:order_send",
        B,
        "bracket",
        needs=SEND,
        passes=2,
    ),
    _step("exit-shrinks", "exit filled in part, other as before", AMEND, B, "oco-part"),
    _step("exit-ends", "exit filled, other still works", CANCEL, B, "bracket-end"),
)
_CLOSED = (
    _step("closing-open", "closing order not committed", f"{CLOSING}:order_create", A, "closing"),
    _step(
        "closing-after", "closing order committed, not sent", f"{CLOSING}:order_send", B, "closing"
    ),
    _step(
        "closing-answered", "closed, fills not taken in", f"{CLOSING}:reports_intake", B, "closing"
    ),
    _step("closing-done", "end of closing not committed", f"{CLOSING}:closing_done", A, "closing"),
)
_RECOVERED = (
    _step(
        "unknown-open",
        "inherited order UNKNOWN, not committed",
        f"{RECOVERY}:order_mark_unknown",
        A,
        "orphan",
    ),
    _step("lookup-read", "found, not recorded", f"{RECOVERY}:report_take_in", B, "lost-reply"),
    _step(
        "absence-open",
        "absence not committed",
        f"{RECOVERY}:order_absence_record",
        A,
        "never-arrived",
    ),
    _step(
        "absence-after",
        "absence committed, not sent again",
        f"{RECOVERY}:order_send",
        B,
        "never-arrived",
    ),
)

STEPS = {
    step.name: step
    for step in (*_DECIDED, *_SENT, *_TAKEN_IN, *_CHANGED, *_MANAGED, *_CLOSED, *_RECOVERED)
}
