"""The one table of what may happen to an order, in the words of FIX OrdStatus."""

from decimal import Decimal
from enum import StrEnum

from apps.core.money import plain


class OrderStatus(StrEnum):
    """Where an order stands."""

    INTENT = "INTENT"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    PENDING_REPLACE = "PENDING_REPLACE"
    PENDING_CANCEL = "PENDING_CANCEL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


S = OrderStatus

_OUTCOMES = frozenset({S.NEW, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED})
_FROM_THE_BOOK = frozenset({S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED})

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    # A desk that is halted, or a parent that never lived, ends an order before any socket write
    S.INTENT: frozenset({S.SENDING, S.PENDING_NEW, S.CANCELED, S.EXPIRED, S.REJECTED}),
    # Back to INTENT only when the adapter is certain that nothing was sent
    S.SENDING: _OUTCOMES | {S.INTENT, S.PENDING_NEW, S.UNKNOWN},
    # Back to INTENT only after the venue proved absence over the waiting window
    S.UNKNOWN: _OUTCOMES | {S.INTENT, S.PENDING_NEW},
    S.PENDING_NEW: _OUTCOMES | {S.UNKNOWN, S.PENDING_CANCEL},
    S.NEW: _FROM_THE_BOOK | {S.PENDING_CANCEL, S.PENDING_REPLACE, S.REJECTED},
    S.PARTIALLY_FILLED: _FROM_THE_BOOK | {S.PENDING_CANCEL, S.PENDING_REPLACE},
    S.PENDING_REPLACE: _FROM_THE_BOOK | {S.NEW, S.PENDING_CANCEL, S.REJECTED},
    S.PENDING_CANCEL: _FROM_THE_BOOK | {S.NEW, S.REJECTED},
    # The last fill can cross a cancel or an expiry in flight
    S.CANCELED: frozenset({S.FILLED}),
    S.EXPIRED: frozenset({S.FILLED}),
    S.FILLED: frozenset(),
    S.REJECTED: frozenset(),
}

WORKING = frozenset({S.PENDING_NEW, S.NEW, S.PARTIALLY_FILLED, S.PENDING_REPLACE, S.PENDING_CANCEL})
"""The venue has the order, or says so."""

UNRESOLVED = frozenset({S.SENDING, S.UNKNOWN})
"""Nobody knows yet whether the venue has the order."""

FINAL = frozenset({S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED})
"""Nothing more is expected; only the last fill may still arrive."""


TOLD_BY_VENUES = FINAL | {S.PENDING_NEW, S.NEW, S.PARTIALLY_FILLED}
"""What a venue may say of an order; the rest is what the desk knows, wants or waits for."""


class IllegalTransition(Exception):
    """A report asked for a step that the table does not know."""

    def __init__(self, current: OrderStatus, target: OrderStatus) -> None:
        """Keep both ends of the step."""
        super().__init__(f"an order cannot go from {current} to {target}")
        self.current = current
        self.target = target


class Overfill(Exception):
    """A fill would bring the order above its quantity."""


class ReportContradicts(ValueError):
    """A venue reports of an order what cannot be true of it."""


def status_require(current: OrderStatus, target: OrderStatus) -> None:
    """Refuse a step that the table does not list.

    Raises:
        IllegalTransition: ``target`` does not follow ``current``.
    """
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(current, target)


def status_after_fill(
    current: OrderStatus, *, quantity: Decimal, filled_quantity: Decimal
) -> OrderStatus:
    """Return the status once ``filled_quantity`` units of ``quantity`` are filled in total.

    A partial fill that crosses a cancel leaves the order canceled; one that arrives while a
    change is pending leaves the change pending.

    Raises:
        Overfill: More is filled than was ordered.
        IllegalTransition: An order in this status takes no fill.
    """
    if filled_quantity > quantity:
        raise Overfill(f"filled {plain(filled_quantity)} of {plain(quantity)}")
    target = S.FILLED if filled_quantity == quantity else S.PARTIALLY_FILLED
    if current == target == S.PARTIALLY_FILLED:
        return current
    if target == S.PARTIALLY_FILLED and current in _KEPT_BY_PARTIAL_FILL:
        return current
    status_require(current, target)
    return target


_KEPT_BY_PARTIAL_FILL = frozenset({S.PENDING_CANCEL, S.PENDING_REPLACE, S.CANCELED, S.EXPIRED})
