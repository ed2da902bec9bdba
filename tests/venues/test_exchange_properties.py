"""Whatever is submitted in whatever order, the book agrees with a plain reading of its rules."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.exchange import (
    BookOrder,
    BookRefusal,
    CancelReason,
    Execution,
    OrderBook,
    Side,
    TimeInForce,
)

D = Decimal
PRICES = st.integers(95, 105).map(D)
QUANTITIES = st.integers(1, 8).map(D)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            st.sampled_from(Side),
            QUANTITIES,
            st.none() | PRICES,
            st.sampled_from(TimeInForce),
        ),
        st.tuples(st.just("amend"), st.integers(0, 30), st.none() | QUANTITIES, st.none() | PRICES),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("house"), PRICES, st.none() | QUANTITIES),
    ),
    max_size=40,
)


@dataclass
class Plain:
    """An order in the plain reading."""

    order_id: str
    side: Side
    leaves: Decimal
    price: Decimal


class PlainBook:
    """The rules again, as slowly and plainly as they can be said; without a house."""

    def __init__(self) -> None:
        self.waiting: list[Plain] = []
        self.trades: list[tuple[str, str, Decimal, Decimal]] = []

    def takeable(self, side: Side, price: Decimal | None) -> list[Plain]:
        others = [o for o in self.waiting if o.side is not side and side.reaches(price, o.price)]
        return sorted(others, key=lambda o: o.price if side is Side.BUY else -o.price)  # stable

    def enter(
        self, order_id: str, side: Side, leaves: Decimal, price: Decimal | None, terms: TimeInForce
    ) -> None:
        found = self.takeable(side, price)
        if terms is TimeInForce.POST_ONLY and found:
            return
        if terms is TimeInForce.FOK and sum(o.leaves for o in found) < leaves:
            return
        for other in found:
            quantity = min(other.leaves, leaves)
            if quantity:
                self.trades.append((other.order_id, order_id, other.price, quantity))
            other.leaves -= quantity
            leaves -= quantity
        self.waiting = [o for o in self.waiting if o.leaves]
        if leaves and price is not None and terms is not TimeInForce.IOC:
            self.waiting.append(Plain(order_id, side, leaves, price))


class Both:
    """The book and what is known of it from outside."""

    def __init__(self) -> None:
        self.book = OrderBook("X")
        self.executions: list[Execution] = []

    def step(self, step: tuple[Any, ...]) -> None:
        name, *terms = step
        try:
            getattr(self, name)(*terms)
        except BookRefusal:
            return

    def submit(self, side: Side, quantity: D, price: D | None, terms: TimeInForce) -> None:
        outcome = self.book.submit(
            order_id=str(len(self.book.orders)),
            owner="someone",
            side=side,
            quantity=quantity,
            limit_price=price,
            time_in_force=terms,
        )
        self.executions += outcome.executions

    def amend(self, number: int, quantity: D | None, price: D | None) -> None:
        outcome = self.book.amend(order_id=str(number), quantity=quantity, limit_price=price)
        self.executions += outcome.executions

    def cancel(self, number: int) -> None:
        self.book.cancel(str(number))

    def house(self, price: D, quantity: D | None) -> None:
        self.executions += self.book.house_quote(last=price, quantity=quantity)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_nothing_is_made_or_lost_and_nobody_gets_a_worse_price(steps: list[Any]) -> None:
    both = Both()
    for step in steps:
        both.step(step)
        orders = both.book.orders.values()
        assert all(
            sum(e.quantity for e in both.executions if order in e.orders) == order.filled
            and 0 <= order.filled <= order.quantity
            for order in orders
        )
        not_crossed(both.book)
    for execution in both.executions:
        assert execution.quantity > 0
        assert execution.maker.side is not execution.taker.side
    assert [e.execution_id for e in both.executions] == list(range(1, len(both.executions) + 1))


def not_crossed(book: OrderBook) -> None:
    """No two orders wait that could trade, and none waits that may not."""
    waiting = book.open_orders()
    bids = [o.limit_price for o in waiting if o.side is Side.BUY if o.limit_price]
    asks = [o.limit_price for o in waiting if o.side is Side.SELL if o.limit_price]
    assert not bids or not asks or max(bids) < min(asks)
    ask, bid = book.best(Side.SELL), book.best(Side.BUY)
    assert not bids or ask is None or max(bids) < ask
    assert not asks or bid is None or min(asks) > bid
    keeps = (TimeInForce.GTC, TimeInForce.POST_ONLY)
    assert all(o.is_open and o.time_in_force in keeps for o in waiting)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Side), QUANTITIES, st.none() | PRICES, st.sampled_from(TimeInForce)
        ),
        max_size=40,
    )
)
def test_trades_are_those_of_the_plain_reading(submissions: list[Any]) -> None:
    both, plain = Both(), PlainBook()
    for number, (side, quantity, price, terms) in enumerate(submissions):
        both.submit(side, quantity, price, terms)
        plain.enter(str(number), side, quantity, price, terms)
    assert [
        (e.maker.order_id, e.taker.order_id, e.price, e.quantity) for e in both.executions
    ] == plain.trades
    assert {(o.order_id, o.leaves) for o in both.book.open_orders()} == {
        (o.order_id, o.leaves) for o in plain.waiting
    }


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_terms_are_kept(steps: list[Any]) -> None:
    both = Both()
    for step in steps:
        both.step(step)
    taken = {e.taker.order_id for e in both.executions}
    for order in both.book.orders.values():
        assert terms_kept(order, took=order.order_id in taken), order


def terms_kept(order: BookOrder, *, took: bool) -> bool:
    if order.time_in_force is TimeInForce.FOK and order.cancel_reason is CancelReason.NOT_IN_FULL:
        return order.filled == 0
    if order.time_in_force is TimeInForce.POST_ONLY and order.limit_price is not None:
        return not took
    if order.limit_price is None or order.time_in_force is TimeInForce.IOC:
        return not order.is_open
    return True
