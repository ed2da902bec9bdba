"""Random days at the Angel One venue: its books agree with themselves, and with its journal."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.angelone.operations import OPERATIONS
from tests.venues.angelone.orders import ZERO
from tests.venues.angelone.portfolio import order_margin, rms_row
from tests.venues.angelone.terms import VenueSettings
from tests.venues.angelone.venue import Venue
from tests.venues.exchange import Side
from tests.venues.smartapi import LIMIT_ORDER

PRICES = st.integers(min_value=16_200, max_value=16_600).map(lambda ticks: str(Decimal(ticks) / 20))
QUANTITIES = st.integers(min_value=1, max_value=40)
SIDES = st.sampled_from(["BUY", "SELL"])
PRODUCTS = st.sampled_from(["INTRADAY", "DELIVERY"])
PLACE = st.tuples(st.just("place"), SIDES, QUANTITIES, PRICES, PRODUCTS)
STOP = st.tuples(st.just("stop"), SIDES, QUANTITIES, PRICES, PRODUCTS)
PRICE = st.tuples(st.just("price"), PRICES, st.none() | QUANTITIES)
MODIFY = st.tuples(st.just("modify"), st.integers(0, 30), QUANTITIES, PRICES)
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 30))
NIGHT = st.tuples(st.just("night"))
STEPS = st.lists(st.one_of(PLACE, PLACE, STOP, PRICE, PRICE, MODIFY, CANCEL, NIGHT), max_size=40)


def venue_at(journal: Path) -> Venue:
    return Venue(VenueSettings(cash="200000", session="OPEN"), journal, OPERATIONS)


def take(venue: Venue, step: tuple[Any, ...]) -> None:
    """Do what a step says, as requests and the exchange would."""
    match step:
        case ("place" | "stop" as kind, side, quantity, price, product):
            asked = {**LIMIT_ORDER, "transactiontype": side, "producttype": product}
            asked |= {"quantity": str(quantity), "price": price}
            if kind == "stop":
                words = {"variety": "STOPLOSS", "ordertype": "STOPLOSS_LIMIT"}
                asked |= {**words, "triggerprice": price}
            order = venue.do("place", asked=asked)
            venue.do("enter", orderid=order.orderid)
        case ("price", price, quantity):
            venue.do("price", symbol="SBIN-EQ", price=price, quantity=quantity)
        case ("modify" | "cancel" as kind, place, *terms):
            working = list(venue.books.working.values())
            if not working:
                return
            order = working[place % len(working)]
            fields: dict[str, Any] = {"orderid": order.orderid}
            if kind == "modify":
                stop = {"triggerprice": terms[1], "ordertype": order.terms.ordertype}
                words = {**LIMIT_ORDER, **stop, "variety": order.terms.variety}
                fields["asked"] = {**words, "quantity": str(terms[0]), "price": terms[1]}
            venue.do(kind, **fields)
            venue.do(f"{kind}_enter", orderid=order.orderid)
        case _:
            venue.do("day_begin")


def told(venue: Venue) -> list[Any]:
    """Return all that a client can read of its trading."""
    books = venue.books
    return [
        [order.book_row() for order in books.orders.values()],
        [trade.row() for trade in books.trades],
        [position.row(Decimal(820)) for position in books.positions.values()],
        {key: (held.quantity, held.average) for key, held in books.holdings.items()},
        rms_row(venue),
    ]


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_random_days_add_up_and_are_the_same_after_a_restart(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        venue = venue_at(journal)
        venue.do("list")
        for step in steps:
            take(venue, step)
        books = venue.books
        for order in books.orders.values():
            filled = [t for t in books.trades if t.orderid == order.orderid]
            assert order.filled == sum(trade.quantity for trade in filled)
            assert order.filled + order.cancelled <= order.terms.quantity
            assert order.is_final != (order.orderid in books.working)
            assert all(trade.side is order.terms.side for trade in filled)
        for position in books.positions.values():
            trades = [t for t in books.trades if t.producttype == position.producttype]
            signed = sum(t.quantity if t.side is Side.BUY else -t.quantity for t in trades)
            assert position.net == signed
        blocked = (order_margin(venue, o) for o in books.working.values() if o.is_entered)
        assert books.blocked == sum(blocked, ZERO)
        before = told(venue)
        venue.journal.close()
        again = venue_at(journal)
        assert told(again) == before
        again.journal.close()
