"""Puts net positions and holdings together: Angel One tells them in two lists."""

from collections.abc import Iterable

from apps.core.money import ZERO
from apps.orders.domain.types import PositionReport


def positions_merged(rows: Iterable[PositionReport]) -> list[PositionReport]:
    """Add up what one instrument has under several products; a flat one is left out.

    The average price is weighed over the rows on the side of the sum.
    """
    by_symbol: dict[str, list[PositionReport]] = {}
    for row in rows:
        if row.quantity:
            by_symbol.setdefault(row.symbol, []).append(row)
    merged = (_merged(symbol, parts) for symbol, parts in sorted(by_symbol.items()))
    return [position for position in merged if position.quantity]


def _merged(symbol: str, parts: list[PositionReport]) -> PositionReport:
    quantity = sum((part.quantity for part in parts), ZERO)
    alike = [part for part in parts if part.quantity * quantity > 0]
    units = sum((part.quantity for part in alike), ZERO)
    paid = sum((part.quantity * part.average_entry_price for part in alike), ZERO)
    return PositionReport(
        symbol=symbol, quantity=quantity, average_entry_price=paid / units if units else ZERO
    )
