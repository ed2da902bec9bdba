"""Values what orders that work may add to an account's positions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.core.money import ZERO
from apps.marketdata.selectors import price_newest
from apps.orders.domain.types import Side
from apps.orders.models import Order
from apps.positions.selectors import AccountBooks
from apps.risk.domain.growth import notional_growth


@dataclass(frozen=True, slots=True)
class WorkingNotional:
    """What orders that work come to, each at its own price; quote currency, never negative.

    Attributes:
        growth: How much larger the positions may get, each instrument by its worse side.
        buys, sells: By how much net exposure may rise, and fall.
    """

    growth: Decimal
    buys: Decimal
    sells: Decimal


def may_enlarge(orders: Iterable[Order]) -> list[Order]:
    """Return the orders that may make a position larger: those that are not reduce-only."""
    return [order for order in orders if not order.reduce_only]


def prices_with_working(
    orders: Iterable[Order], prices: Mapping[int, Decimal]
) -> tuple[dict[int, Decimal], str]:
    """Add the newest price of every instrument on which an order works that names none.

    Such an order is in flight at market; on what the account does not hold no price is at hand.

    Returns:
        Prices by instrument id, and the symbols of which none is known, separated by commas.
    """
    known, unknown = dict(prices), set()
    for order in may_enlarge(orders):
        if _named_price(order) is not None or order.instrument_id in known:
            continue
        newest = price_newest(instrument=order.instrument)
        if newest is None:
            unknown.add(order.instrument.symbol)
        else:
            known[order.instrument_id] = newest.view.last
    return known, ", ".join(sorted(unknown))


def working_notional(
    orders: Iterable[Order], books: AccountBooks, prices: Mapping[int, Decimal]
) -> WorkingNotional:
    """Return what the orders may add to the positions; what may only reduce adds nothing.

    Args:
        prices: By instrument id, for orders that name no price; see ``prices_with_working``,
            which tells of those that are missing here and add nothing.
    """
    units: dict[tuple[int, Side], Decimal] = defaultdict(Decimal)
    notionals: dict[tuple[int, Side], Decimal] = defaultdict(Decimal)
    for order in may_enlarge(orders):
        key = order.instrument_id, Side(order.side)
        price = _named_price(order) or prices.get(order.instrument_id, ZERO)
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
    return WorkingNotional(
        growth=sum(worst.values(), ZERO),
        buys=_sum_of(Side.BUY, notionals),
        sells=_sum_of(Side.SELL, notionals),
    )


def _named_price(order: Order) -> Decimal | None:
    return order.limit_price or order.stop_price


def _sum_of(side: Side, notionals: Mapping[tuple[int, Side], Decimal]) -> Decimal:
    return sum((notional for (_, each), notional in notionals.items() if each is side), ZERO)
