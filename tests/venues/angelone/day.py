"""What the clock does: the end of a session, the night, and what is carried over it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.venues.angelone.orders import AMO, Order, Status
from tests.venues.angelone.positions import Position
from tests.venues.angelone.terms import BY_CLOCK, CLOSES, INDIA
from tests.venues.angelone.trading import moved, withdraw
from tests.venues.angelone.venue import Carried, Venue

EXPIRED = "Your order was cancelled as it was not executed within the day"


def session_end(venue: Venue, at: datetime, /) -> None:
    """Cancel what did not trade; orders for the next session stay."""
    for order in list(venue.books.working.values()):
        if order.status not in AMO:
            withdraw(venue, order, at, text=EXPIRED)


def session_begin(venue: Venue, at: datetime, /) -> list[str]:
    """Take the orders that waited for the session; return those that may now enter."""
    waiting = [order for order in venue.books.working.values() if order.status in AMO]
    for order in waiting:
        order.terms.variety = "NORMAL" if order.terms.variety == "AMO" else order.terms.variety
        moved(venue, order, Status.RECEIVED, at)
    return [order.orderid for order in waiting]


def day_begin(venue: Venue, at: datetime, /) -> None:
    """Start another day: books of today are empty, deliveries are held, everybody logs in anew."""
    session_end(venue, at)
    books = venue.books
    books.orders = dict(books.working)
    books.by_unique_id = {order.uniqueorderid: order for order in books.working.values()}
    books.trades.clear()
    positions, books.positions = books.positions, {}
    for position in positions.values():
        books.cash += position.realised
        _carry(venue, position)
    for market in venue.markets():
        market.day_end()
    venue.sessions.end_all()
    venue.list_day(at.astimezone(INDIA).date())


def clock_set(venue: Venue, at: datetime, /, *, offset_seconds: float) -> None:
    """Let the venue's clock differ from the machine's."""
    venue.offset = timedelta(seconds=offset_seconds)


def list_begin(venue: Venue, at: datetime, /) -> None:
    """List the instruments of the first day."""
    venue.list_day(at.astimezone(INDIA).date())


def settings_change(venue: Venue, at: datetime, /, **changes: Any) -> None:
    """Change how the venue is."""
    venue.change(**changes)


def catch_up(venue: Venue) -> list[str]:
    """Do what is due by the clock; return orders that may now enter."""
    if venue.today() != venue.day:
        venue.do("day_begin")
    statuses = {order.status for order in venue.books.working.values()}
    now = venue.now()
    has_closed = now.astimezone(INDIA).time() >= CLOSES
    if venue.settings.session == BY_CLOCK and has_closed and statuses - AMO:
        venue.do("session_end")
    if venue.is_trading(now) and any(_is_due(venue, o) for o in venue.books.working.values()):
        entering: list[str] = venue.do("session_begin")
        return entering
    return []


def _is_due(venue: Venue, order: Order) -> bool:
    """Tell whether an order waited long enough: what asked for AMO waits for another day."""
    is_older = order.placed_at.astimezone(INDIA).date() < venue.day
    return order.status in AMO and (is_older or order.terms.variety != "AMO")


def _carry(venue: Venue, position: Position) -> None:
    if position.producttype == "INTRADAY" or not position.net:
        return
    if position.producttype == "DELIVERY" and not position.instrument.is_derivative:
        _deliver(venue, position)
        return
    carried = venue.position(position.instrument, position.producttype)
    leg = carried.carried_long if position.net > 0 else carried.carried_short
    leg.add(abs(position.net), position.entry_price)


def _deliver(venue: Venue, position: Position) -> None:
    key = position.instrument.key
    held = venue.books.holdings.get(key) or Carried(0, Decimal(0), 0)
    quantity = held.quantity + position.net
    venue.books.cash -= position.net * position.entry_price
    if quantity <= 0:
        venue.books.holdings.pop(key, None)
        return
    cost = held.average * held.quantity
    if position.net > 0:
        cost += position.entry_price * position.net
        held = Carried(quantity, cost / quantity, held.quantity)
    else:
        held = Carried(quantity, held.average, min(held.delivered, quantity))
    venue.books.holdings[key] = held
