"""What each report does to an order in each state: the model's own table, as literal data.

Written from the words of the design, without the product's table: the last fill may cross a cancel
or an expiry, a report that is older than what is known changes nothing, what is final stays so, and
what cannot be is refused.
"""

REFUSED = "refused"
SAME = "same"
UNFILLED = "unfilled"
"""Rejected; refused where something has filled."""
BY_FILLS = "by_fills"
"""New terms are in force; the state follows from what has filled."""

_REPORTS = """
state             PENDING_NEW  WORKING  CANCELED  EXPIRED   REJECTED  PART              LAST
INTENT            PENDING_NEW  refused  CANCELED  EXPIRED   REJECTED  refused           refused
SENDING           PENDING_NEW  NEW      CANCELED  EXPIRED   REJECTED  PARTIALLY_FILLED  FILLED
UNKNOWN           PENDING_NEW  NEW      CANCELED  EXPIRED   REJECTED  PARTIALLY_FILLED  FILLED
PENDING_NEW       same         NEW      CANCELED  EXPIRED   REJECTED  PARTIALLY_FILLED  FILLED
NEW               same         same     CANCELED  EXPIRED   REJECTED  PARTIALLY_FILLED  FILLED
PARTIALLY_FILLED  same         same     CANCELED  EXPIRED   refused   same              FILLED
PENDING_REPLACE   same         same     CANCELED  EXPIRED   unfilled  same              FILLED
PENDING_CANCEL    same         same     CANCELED  EXPIRED   unfilled  same              FILLED
CANCELED          same         same     same      refused   refused   same              FILLED
EXPIRED           same         same     refused   same      refused   same              FILLED
FILLED            same         same     refused   refused   refused   -                 -
REJECTED          same         same     refused   refused   same      refused           refused
"""
"""WORKING is NEW, PARTIALLY_FILLED or FILLED, whose quantities come from fills alone; PART and LAST
are fills, after which something or nothing is left. A filled order leaves nothing to either."""

_ACTS = """
state             claim    unsent   unknown  absent   abandon   cancel          reject    amend
INTENT            SENDING  same     refused  refused  CANCELED  same            REJECTED  refused
SENDING           same     INTENT   UNKNOWN  refused  refused   same            REJECTED  refused
UNKNOWN           same     INTENT   same     INTENT   refused   same            REJECTED  refused
PENDING_NEW       same     refused  UNKNOWN  refused  refused   PENDING_CANCEL  REJECTED  refused
NEW               same     refused  same     refused  refused   PENDING_CANCEL  REJECTED  ask
PARTIALLY_FILLED  same     refused  same     refused  refused   PENDING_CANCEL  refused   ask
PENDING_REPLACE   same     refused  same     refused  refused   PENDING_CANCEL  unfilled  refused
PENDING_CANCEL    same     refused  same     refused  refused   same            unfilled  refused
CANCELED          same     refused  same     refused  refused   same            refused   refused
EXPIRED           same     refused  same     refused  refused   same            refused   refused
FILLED            same     refused  same     refused  refused   same            refused   refused
REJECTED          same     refused  same     refused  refused   same            same      refused
"""
"""What the desk itself does; ``ask`` makes the order PENDING_REPLACE."""


def _read(lines: str) -> dict[tuple[str, str], str]:
    head, *rows = (line.split() for line in lines.strip().splitlines())
    return {
        (row[0], event): outcome
        for row in rows
        for event, outcome in zip(head[1:], row[1:], strict=True)
        if outcome != "-"
    }


_REPORTED = _read(_REPORTS)
ACTS = _read(_ACTS)
STATES = tuple(dict.fromkeys(state for state, _ in _REPORTED))
TABLE = {
    **_REPORTED,
    # A fill above the quantity, and a status that only the desk gives
    **{(state, event): REFUSED for state in STATES for event in ("OVER", "UNTELLABLE")},
    # A report that shows the terms which were asked for
    ("PENDING_REPLACE", "AMENDED"): BY_FILLS,
    ("PENDING_CANCEL", "AMENDED"): BY_FILLS,
}
"""Outcome by state and event, of everything that a venue may report."""
