"""Divides what a broker nets among those who hold it, so that each closing order has an owner."""

from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import TypeVar

from apps.core.money import ZERO

Owner = TypeVar("Owner", bound=Hashable)


def closing_shares(
    net: Decimal, held: Iterable[tuple[Owner | None, Decimal]], *, takes_rest: bool
) -> dict[Owner | None, Decimal]:
    """Return how much of a net position is closed for each of its owners.

    Only what lies on the side of the net position can be closed by an order that reduces. What
    its owners hold against each other stays: the broker knows nothing of it.

    Args:
        net: Signed units by the broker.
        held: Owner (None: by hand) and signed units by our books, in turn.
        takes_rest: Whether what no owner holds is closed as well, in the name of nobody.

    Returns:
        Positive units by owner; together the net position at most, and all of it with the rest.
    """
    left = abs(net)
    shares: dict[Owner | None, Decimal] = {}
    for owner, quantity in held:
        share = min(abs(quantity), left) if quantity * net > 0 else ZERO
        if share > 0:
            shares[owner] = shares.get(owner, ZERO) + share
            left -= share
    if takes_rest and left > 0:
        shares[None] = shares.get(None, ZERO) + left
    return shares
