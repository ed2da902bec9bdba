"""Judges rounds by the venue's journal: nothing doubled, nothing lost, nothing left open."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.proofs.crash.rounds import UNDER_WAY, Round
from tests.venues.loopback.history import Key, VenueView, Wrong, check_history, venue_view
from tests.venues.loopback.journal import Journal

Shape = Counter[tuple[str, Decimal, str, Decimal]]
"""How many orders of a side, quantity, status and filled quantity the venue took."""

DUPLICATE = frozenset(
    {
        *(Wrong.ACCEPTED_TWICE, Wrong.SENT_AFTER_ACCEPTANCE),
        *(Wrong.OVERFILLED, Wrong.TRADE_TWICE, Wrong.FILL_INVENTED),
    }
)
LOST = frozenset({Wrong.LOST, Wrong.UNKNOWN_TO_DESK, Wrong.FILL_MISSING})


@dataclass(slots=True)
class Verdict:
    """What is wrong with one round, as sentences; four empty lists where nothing is.

    Attributes:
        duplicates: Orders or trades that the venue has twice, by id, by purpose, or beside those
            of the same scene without a kill.
        lost: Orders or trades that one of the two sides does not have.
        unresolved: Orders without an outcome once all is at rest.
        differences: Terms, states, positions or books that do not agree.
    """

    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """All of them."""
        return [*self.duplicates, *self.lost, *self.unresolved, *self.differences]


def verdicts_of(
    journal: Journal, killed: Sequence[Round], undisturbed: dict[str, Round]
) -> list[Verdict]:
    """Judge every killed round of a venue's life.

    Args:
        undisturbed: The same scenes without a kill, by name.
    """
    every = [*undisturbed.values(), *killed]
    views = venue_view(journal)
    verdicts = {each.account: Verdict() for each in every}
    stray = Verdict()
    for violation in check_history(journal, [order for each in every for order in each.orders]):
        verdict = verdicts.get(violation.account, stray)
        sentence = f"{violation.wrong} {violation.client_order_id}: {violation.sentence}"
        _list_for(verdict, violation.wrong).append(sentence)
    for each in every:
        _judge(verdicts[each.account], each, views)
    wrong = [stray, *(verdicts[each.account] for each in undisturbed.values())]
    if sentences := [sentence for verdict in wrong for sentence in verdict.sentences]:
        raise AssertionError(f"it does not hold without a kill either: {sentences}")
    for each in killed:
        model = undisturbed[each.scene]
        _compare(verdicts[each.account], _shape(each, views), _shape(model, views))
    return [verdicts[each.account] for each in killed]


def _list_for(verdict: Verdict, wrong: Wrong) -> list[str]:
    if wrong in DUPLICATE:
        return verdict.duplicates
    if wrong in LOST:
        return verdict.lost
    return verdict.unresolved if wrong is Wrong.UNRESOLVED else verdict.differences


def _judge(verdict: Verdict, played: Round, views: dict[Key, VenueView]) -> None:
    """Look at what the two sides may agree on and is wrong all the same."""
    taken = defaultdict(list)
    for order in played.orders:
        if views.get((played.account, order.client_order_id), VenueView()).accepted:
            taken[played.purposes[order.client_order_id]].append(order.client_order_id)
        if order.status in UNDER_WAY:
            verdict.unresolved.append(f"{order.client_order_id} is still {order.status}")
    for purpose, ids in taken.items():
        if len(ids) > 1:
            verdict.duplicates.append(f"{purpose} has led to {ids} at the venue")
    if played.failure:
        verdict.unresolved.append(played.failure)
    verdict.differences += played.faults


def _shape(played: Round, views: dict[Key, VenueView]) -> Shape:
    return Counter(
        (view.side, view.quantity, view.status, view.filled_quantity)
        for (account, _), view in views.items()
        if account == played.account and view.accepted
    )


def _compare(verdict: Verdict, found: Shape, wanted: Shape) -> None:
    """Hold the venue's orders against those of the same scene without a kill."""
    if found == wanted:
        return
    sentence = f"more than without a kill {dict(found - wanted)}, less {dict(wanted - found)}"
    if found.total() > wanted.total():
        verdict.duplicates.append(sentence)
    elif found.total() < wanted.total():
        verdict.lost.append(sentence)
    else:
        verdict.differences.append(sentence)
