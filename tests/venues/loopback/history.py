"""Proves from the venue's journal what the desk promises: no order sent twice, lost or misstated.

The checks are pure: they take what the venue wrote down and what the desk believes, and return the
violations as values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tests.venues.loopback.journal import Entry, Journal

Key = tuple[str, str]
"""Account and client order id."""


class Wrong(StrEnum):
    """What can be wrong, at the venue, at the desk, or between them."""

    ACCEPTED_TWICE = "ACCEPTED_TWICE"
    SENT_AFTER_ACCEPTANCE = "SENT_AFTER_ACCEPTANCE"
    OVERFILLED = "OVERFILLED"
    TRADE_TWICE = "TRADE_TWICE"
    JOURNAL_BROKEN = "JOURNAL_BROKEN"
    UNKNOWN_TO_DESK = "UNKNOWN_TO_DESK"
    LOST = "LOST"
    UNRESOLVED = "UNRESOLVED"
    TERMS_DIFFER = "TERMS_DIFFER"
    STATUS_DIFFERS = "STATUS_DIFFERS"
    FILL_MISSING = "FILL_MISSING"
    FILL_INVENTED = "FILL_INVENTED"
    FILL_DIFFERS = "FILL_DIFFERS"
    QUANTITY_DIFFERS = "QUANTITY_DIFFERS"


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that did not hold."""

    wrong: Wrong
    account: str
    client_order_id: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskOrder:
    """One order as the desk believes it to be, once all reports are in.

    Attributes:
        fills: Quantity and price by trade id.
    """

    account: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    status: str
    filled_quantity: Decimal
    fills: dict[str, tuple[Decimal, Decimal]]


@dataclass(slots=True)
class VenueView:
    """One order as the venue's journal tells it, from its acceptance on.

    Attributes:
        accepted: Sequence numbers of its acceptances; there should be one.
        sent: Sequence numbers of the requests to place it that reached the venue.
    """

    symbol: str = ""
    side: str = ""
    quantity: Decimal = Decimal(0)
    status: str = ""
    accepted: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    fills: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    @property
    def filled_quantity(self) -> Decimal:
        """Units executed."""
        return sum((quantity for quantity, _ in self.fills.values()), Decimal(0))


_UNRESOLVED = frozenset({"SENDING", "UNKNOWN"})
_NEVER_LEFT = frozenset({"INTENT", "CANCELED", "REJECTED", "EXPIRED"})
"""What the desk may say of an order that the venue never took."""


def venue_view(journal: Journal) -> dict[Key, VenueView]:
    """Return every order that was asked for or accepted, as it stood at the journal's end."""
    views: dict[Key, VenueView] = {}
    for entry in journal.entries:
        if entry["kind"] == "request" and entry["endpoint"] == "PLACE":
            key = (str(entry["account"]), str(entry["asked"].get("client_order_id")))
            views.setdefault(key, VenueView()).sent.append(entry["seq"])
        elif "client_order_id" in entry:
            key = (str(entry["account"]), str(entry["client_order_id"]))
            _follow(views.setdefault(key, VenueView()), entry)
    return views


def _follow(view: VenueView, entry: Entry) -> None:
    if entry["kind"] == "accepted":
        view.accepted.append(entry["seq"])
        view.symbol, view.side = entry["terms"]["symbol"], entry["terms"]["side"]
        view.quantity, view.status = Decimal(entry["terms"]["quantity"]), entry["status"]
    elif entry["kind"] == "amended":
        view.quantity = Decimal(entry["changes"].get("quantity", view.quantity))
    elif entry["kind"] == "closed":
        view.status = entry["status"]
    elif entry["kind"] == "filled":
        view.fills[entry["trade_id"]] = (Decimal(entry["quantity"]), Decimal(entry["price"]))
        if view.filled_quantity >= view.quantity:
            view.status = "FILLED"
        elif view.status in ("NEW", "PENDING_NEW"):
            view.status = "PARTIALLY_FILLED"


def check_venue(journal: Journal) -> list[Violation]:
    """Return what is wrong at the venue alone, without asking the desk."""
    found = list(_journal_faults(journal))
    for (account, client_order_id), view in venue_view(journal).items():
        for wrong, sentence in _venue_faults(view):
            found.append(Violation(wrong, account, client_order_id, sentence))
    return found


def _venue_faults(view: VenueView) -> Iterator[tuple[Wrong, str]]:
    if len(view.accepted) > 1:
        yield Wrong.ACCEPTED_TWICE, f"the venue took it {len(view.accepted)} times"
    again = [seq for seq in view.sent if view.accepted and seq > view.accepted[0]]
    if again:
        yield (
            Wrong.SENT_AFTER_ACCEPTANCE,
            f"it was sent {len(again)} more times after the venue had taken it",
        )
    if view.accepted and view.filled_quantity > view.quantity:
        yield Wrong.OVERFILLED, f"{view.filled_quantity} of {view.quantity} were executed"


def _journal_faults(journal: Journal) -> Iterator[Violation]:
    last_at, trades = 0, Counter[str]()
    for place, entry in enumerate(journal.entries, 1):
        if entry["seq"] != place or entry["at_ns"] < last_at:
            sentence = f"entry {place} has number {entry['seq']} at {entry['at_ns']} ns"
            yield Violation(Wrong.JOURNAL_BROKEN, "", "", sentence)
        last_at = max(last_at, entry["at_ns"])
        if entry["kind"] == "filled":
            trades[entry["trade_id"]] += 1
            if trades[entry["trade_id"]] > 1:
                sentence = f"trade {entry['trade_id']} was given out twice"
                account, key = str(entry["account"]), str(entry["client_order_id"])
                yield Violation(Wrong.TRADE_TWICE, account, key, sentence)


def check_history(journal: Journal, desk_orders: Iterable[DeskOrder]) -> list[Violation]:
    """Return every difference between what the venue did and what the desk believes.

    Run it when the desk is at rest: all reports taken in, nothing under way. Desk orders that are
    not the venue's (of other accounts) do not belong in ``desk_orders``.

    Returns:
        Nothing when each order was accepted at most once and sent no more after that, none is
        known to one side only, and status, terms and fills agree to the last unit.
    """
    found = check_venue(journal)
    views = venue_view(journal)
    known: set[Key] = set()
    for order in desk_orders:
        key = (order.account, order.client_order_id)
        known.add(key)
        view = views.get(key, VenueView())
        for wrong, sentence in _differences(order, view):
            found.append(Violation(wrong, *key, sentence))
    for key, view in views.items():
        if key not in known and (view.accepted or view.sent):
            sentence = "the venue heard of it, and the desk has no such order"
            found.append(Violation(Wrong.UNKNOWN_TO_DESK, *key, sentence))
    return found


def _differences(order: DeskOrder, view: VenueView) -> Iterator[tuple[Wrong, str]]:
    if order.status in _UNRESOLVED:
        yield Wrong.UNRESOLVED, f"the desk still has it as {order.status}"
    elif not view.accepted and order.status not in _NEVER_LEFT:
        yield Wrong.LOST, f"the desk has it as {order.status}, and the venue never took it"
    elif view.accepted and order.status != view.status:
        yield Wrong.STATUS_DIFFERS, f"desk {order.status}, venue {view.status}"
    if view.accepted:
        yield from _term_differences(order, view)
    yield from _fill_differences(order, view)


def _term_differences(order: DeskOrder, view: VenueView) -> Iterator[tuple[Wrong, str]]:
    ours = (order.symbol, order.side, order.quantity)
    theirs = (view.symbol, view.side, view.quantity)
    if ours != theirs:
        yield Wrong.TERMS_DIFFER, f"desk {ours}, venue {theirs}"


def _fill_differences(order: DeskOrder, view: VenueView) -> Iterator[tuple[Wrong, str]]:
    for trade_id in sorted(view.fills.keys() - order.fills.keys()):
        yield Wrong.FILL_MISSING, f"the desk does not have trade {trade_id}"
    for trade_id in sorted(order.fills.keys() - view.fills.keys()):
        yield Wrong.FILL_INVENTED, f"the venue does not have trade {trade_id}"
    for trade_id in sorted(order.fills.keys() & view.fills.keys()):
        if order.fills[trade_id] != view.fills[trade_id]:
            sentence = f"{trade_id}: desk {order.fills[trade_id]}, venue {view.fills[trade_id]}"
            yield Wrong.FILL_DIFFERS, sentence
    ours = sum((quantity for quantity, _ in order.fills.values()), Decimal(0))
    if ours != order.filled_quantity:
        yield Wrong.QUANTITY_DIFFERS, f"desk counts {order.filled_quantity}, its fills {ours}"
