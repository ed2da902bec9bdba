"""How much larger a position may get by orders that still work."""

from decimal import Decimal

from apps.core.money import ZERO


def notional_growth(*, held: Decimal, units: Decimal, notional: Decimal) -> Decimal:
    """Return by how much a position's notional grows when orders of one side all fill.

    What only closes the position adds nothing; what goes across zero adds as far as it ends larger.

    Args:
        held: Signed units held.
        units: Units of the orders, negative for sells.
        notional: Of the orders, each at its own price; positive.

    Returns:
        Quote currency, never below zero; of a mixed price where only a part of the units adds.
    """
    grown = abs(held + units) - abs(held)
    return grown * notional / abs(units) if grown > 0 else ZERO
