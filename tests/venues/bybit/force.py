"""What the venue does to a client by itself: takes positions away, to liquidate or deleverage."""

from collections.abc import Mapping
from typing import Any

from tests.venues.bybit.accounts import Position
from tests.venues.bybit.matching import after_trading, order_to_book, order_withdraw
from tests.venues.bybit.orders import VenueOrder
from tests.venues.bybit.venue import Venue

# Who made the order that closes, and what the client's own orders of the symbol end with.
_KINDS = {
    "LIQUIDATION": ("CreateByLiq", "CancelAllBeforeLiq"),
    "ADL": ("CreateByAdl_PassThrough", "CancelAllBeforeAdl"),
}


def take_position(venue: Venue, fields: Mapping[str, Any]) -> None:
    """Cancel the orders of a linear symbol and close its positions by an order of the venue's."""
    create_type, cancel_type = _KINDS[fields["kind"]]
    listed = venue.listing.get("linear", fields["symbol"])
    for order in venue.orders_of(listed):
        if order.is_open:
            order_withdraw(venue, order, cancel_type)
    for idx in venue.account.indexes(listed.symbol):
        position = venue.account.position(listed, idx)
        if position.size:
            order = _closing(venue, position, create_type)
            venue.orders[order.order_id] = venue.open_orders[order.order_id] = order
            order_to_book(venue, order)
    after_trading(venue, venue.market(listed))


def _closing(venue: Venue, position: Position, create_type: str) -> VenueOrder:
    listed = position.instrument
    return VenueOrder(
        instrument=listed,
        order_id=venue.next_id(listed),
        link_id="",
        side="Sell" if position.size > 0 else "Buy",
        order_type="Market",
        quantity=abs(position.size),
        price=venue.market(listed).last,
        time_in_force="IOC",
        created_ms=venue.now_ms(),
        position_idx=position.idx,
        reduce_only=True,
        create_type=create_type,
        last_on_created=venue.market(listed).last,
    )
