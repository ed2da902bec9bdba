"""What may happen to an account, drawn at random: orders, the desk's own acts, a venue's pages."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.proofs.reports.venue import LIES

INSTRUMENTS = 3
OWNERS = 3
ACTS = ("claim", "unsent", "unknown", "absent", "abandon", "cancel", "reject", "amend_refused")
AMENDS = ("amend_up", "amend_down", "amend_price")

_FILLS = (*("PART",) * 6, "LAST", "OVER")
_WORKING = ("NEW", "PARTIALLY_FILLED", "FILLED", "PENDING_NEW", "AMENDED", "AMENDED")
_ENDS = ("CANCELED", "EXPIRED", "REJECTED", "UNTELLABLE")


@dataclass(frozen=True)
class Plan:
    """An order: whose, of what, how large (see ``venue.quantity_of``), and how far it has got."""

    instrument: int
    owner: int
    is_buy: bool
    size: int
    start: str


@dataclass(frozen=True)
class Act:
    """A step of the desk on the order that is ``back`` before the newest."""

    name: str
    back: int


@dataclass(frozen=True)
class Told:
    """One report on such an order; ``size`` and ``price`` are turned into amounts by ``venue``."""

    kind: str
    back: int
    size: int
    price: int


@dataclass(frozen=True)
class Round:
    """New orders, acts of the desk, then a page in an order of its own, with repetitions."""

    plans: list[Plan]
    acts: list[Act]
    page: list[Told]
    again: list[int]
    order: int


_back = st.sampled_from((0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6))
plans = st.builds(
    Plan,
    instrument=st.integers(0, INSTRUMENTS - 1),
    owner=st.integers(0, OWNERS - 1),
    is_buy=st.booleans(),
    size=st.integers(1, 12),
    start=st.sampled_from(("held", "sent", "sent", "acknowledged")),
)
acts = st.builds(
    Act,
    name=st.sampled_from(ACTS + AMENDS * 3 + ("claim", "unknown", "cancel", "cancel", "cancel")),
    back=_back,
)
told = st.builds(
    Told,
    kind=st.sampled_from(_FILLS * 12 + _WORKING * 12 + _ENDS * 4 + tuple(LIES)),
    back=_back,
    size=st.integers(1, 12),
    price=st.integers(1, 999),
)


def rounds(*, reports: int) -> st.SearchStrategy[Round]:
    """Return rounds with a page of that many reports, before what is repeated."""
    return st.builds(
        Round,
        plans=st.lists(plans, min_size=2, max_size=2),
        acts=st.lists(acts, min_size=2, max_size=6),
        page=st.lists(told, min_size=reports, max_size=reports),
        again=st.lists(st.integers(0, 999), max_size=4),
        order=st.integers(0, 999),
    )
