"""The average-cost rule: what a fill does to a position, wherever positions are kept."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from apps.core.money import ZERO, stored

EXACT_DIGITS = 60
"""Products of two stored amounts keep every digit until they are rounded once, at the end."""


@dataclass(frozen=True, slots=True)
class PositionState:
    """What is held: signed units, short is negative; the price is zero when flat."""

    quantity: Decimal = ZERO
    average_entry_price: Decimal = ZERO


FLAT = PositionState()


def position_after_fill(
    state: PositionState, *, signed_quantity: Decimal, price: Decimal, multiplier: Decimal
) -> tuple[PositionState, Decimal]:
    """Return the position after a fill, and what the part that it closed has earned.

    Adding averages the entry price; reducing keeps it; crossing zero closes all of the old
    position and opens the rest at the fill's price.

    Args:
        signed_quantity: Units, positive for a buy, never zero.
        price: Quote currency per point.
        multiplier: Quote units per point and unit.

    Returns:
        The new state, and the realised result before commission in quote currency. Average and
        result are rounded half to even to the ten places that are stored.
    """
    held = state.quantity
    after = held + signed_quantity
    with localcontext() as exact:
        exact.prec = EXACT_DIGITS
        if held * signed_quantity >= 0:
            cost = abs(held) * state.average_entry_price + abs(signed_quantity) * price
            return PositionState(after, stored(cost / abs(after))), ZERO
        closed = min(abs(held), abs(signed_quantity)).copy_sign(held)
        realized = stored(closed * (price - state.average_entry_price) * multiplier)
    if after == 0:
        return FLAT, realized
    is_turned = after * held < 0
    return PositionState(after, price if is_turned else state.average_entry_price), realized


def position_cost(state: PositionState, *, multiplier: Decimal) -> Decimal:
    """Return what the position has cost in quote currency; negative for a short one."""
    return notional_of(state.quantity, price=state.average_entry_price, multiplier=multiplier)


def notional_of(quantity: Decimal, *, price: Decimal, multiplier: Decimal) -> Decimal:
    """Return the worth of a quantity in quote currency, with the quantity's sign, as stored."""
    with localcontext() as exact:
        exact.prec = EXACT_DIGITS
        return stored(quantity * price * multiplier)
