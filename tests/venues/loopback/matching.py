"""How an order meets a market: pure rules, the venue's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.venues.loopback.book import ZERO, Market, VenueOrder
from tests.venues.loopback.terms import TRIGGERED, OrderTerms, OrderType, Side


@dataclass(frozen=True, slots=True)
class Execution:
    """Units at a price, taken from one level of the market."""

    quantity: Decimal
    price: Decimal
    level: int


def trigger_is_touched(terms: OrderTerms, *, stop_price: Decimal | None, last: Decimal) -> bool:
    """Tell whether the last price starts a waiting order.

    A stop starts when the price has run against its side, a take-profit when it has come to it.
    """
    if stop_price is None or terms.order_type not in TRIGGERED:
        return False
    runs_up = (terms.side is Side.BUY) != (terms.order_type is OrderType.TAKE_PROFIT)
    return last >= stop_price if runs_up else last <= stop_price


def is_within(side: Side, *, price: Decimal, bound: Decimal | None) -> bool:
    """Tell whether an order of this side takes a price; without a bound it takes any."""
    if bound is None:
        return True
    return price <= bound if side is Side.BUY else price >= bound


def crosses(order: VenueOrder, market: Market) -> bool:
    """Tell whether an order would trade at once."""
    side = order.terms.side
    return is_within(side, price=market.touch(side), bound=order.bound)


def executions(
    order: VenueOrder,
    market: Market,
    *,
    wanted: Decimal,
    taken: Mapping[tuple[str, Side, int], Decimal],
    is_maker: bool,
) -> list[Execution]:
    """Return what an order gets now, nearest level first.

    An order that rested gets its own price, one that arrives the market's.

    Args:
        wanted: Units at most.
        taken: Units that this account has had of each level since the last price.
    """
    side, found = order.terms.side, []
    for level, price in market.prices(side):
        if wanted <= 0 or price <= 0 or not is_within(side, price=price, bound=order.bound):
            break
        room = wanted
        if market.liquidity is not None:
            had = taken.get((order.terms.symbol, side, level), ZERO)
            room = min(wanted, market.liquidity - had)
        if room > 0:
            own = order.bound if is_maker else None
            found.append(Execution(room, price if own is None else own, level))
            wanted -= room
    return found


def reducible(*, held: Decimal, side: Side) -> Decimal:
    """Return how many units an order of this side may take before it opens or turns a position."""
    return abs(held) if held * side.sign < 0 else ZERO
