"""Values what orders that work may add to an account's positions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from apps.core.money import ZERO
from apps.orders.domain.types import Side
from apps.orders.models import Order
from apps.positions.selectors import AccountBooks
from apps.risk.domain.growth import notional_growth


def working_notional(
    orders: Iterable[Order], books: AccountBooks, prices: Mapping[int, Decimal]
) -> Decimal:
    """Return how much the orders may add to the positions, each instrument by its worse side.

    What may only reduce adds nothing.

    Args:
        prices: By instrument id, for orders that name no price. One of an instrument that is
            neither held nor priced adds nothing: it is a market order, and fills as it is sent.
    """
    units: dict[tuple[int, Side], Decimal] = defaultdict(Decimal)
    notionals: dict[tuple[int, Side], Decimal] = defaultdict(Decimal)
    for order in orders:
        if order.reduce_only:
            continue
        key = order.instrument_id, Side(order.side)
        price = order.limit_price or order.stop_price or prices.get(order.instrument_id, ZERO)
        units[key] += order.leaves_quantity
        notionals[key] += order.leaves_quantity * price * order.instrument.multiplier
    worst: dict[int, Decimal] = defaultdict(Decimal)
    for (instrument, side), quantity in units.items():
        growth = notional_growth(
            held=books.quantity_of(instrument),
            units=side.sign * quantity,
            notional=notionals[instrument, side],
        )
        worst[instrument] = max(worst[instrument], growth)
    return sum(worst.values(), ZERO)
