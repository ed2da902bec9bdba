"""The order book that venues share: price first, then time; trades at the resting price."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from tests.venues.exchange.levels import BookSide
from tests.venues.exchange.orders import (
    HOUSE,
    ZERO,
    BookOrder,
    CancelReason,
    Execution,
    Side,
    TimeInForce,
)

SHOWN = Decimal(1_000_000)  # what endless liquidity of the house shows in the depth


class BookRefusal(ValueError):
    """The book does not take that; says what was expected."""


@dataclass(frozen=True)
class Outcome:
    """What became of a submission or a change at once."""

    order: BookOrder
    executions: list[Execution] = field(default_factory=list)


class OrderBook:
    """The market of one symbol, and all orders that were ever submitted to it.

    Attributes:
        last: Price of the last trade, or where the house said that the market is.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.last: Decimal | None = None
        self.orders: dict[str, BookOrder] = {}
        self._sides = {side: BookSide(side) for side in Side}
        self._sequence = count(1)
        self._execution_ids = count(1)

    def submit(
        self,
        *,
        order_id: str,
        owner: str,
        side: Side,
        quantity: Decimal,
        limit_price: Decimal | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> Outcome:
        """Match an order and let the rest wait, or end, as its terms say.

        Args:
            limit_price: None takes whatever there is, as IOC, or as FOK where that is asked.

        Raises:
            BookRefusal: The id was used before, or a number is not positive.
        """
        self._check(order_id=order_id, quantity=quantity, limit_price=limit_price)
        order = BookOrder(order_id, owner, side, quantity, limit_price, time_in_force)
        self.orders[order_id] = order
        return Outcome(order, self._enter(order))

    def amend(
        self,
        *,
        order_id: str,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
    ) -> Outcome:
        """Change a resting order; only less quantity at the same price keeps its place in time.

        Args:
            quantity: The new total, with what is filled already.

        Raises:
            BookRefusal: It is not open, or the new total is not above what is filled.
        """
        order = self._open(order_id)
        total = order.quantity if quantity is None else quantity
        price = order.limit_price if limit_price is None else limit_price
        if total <= order.filled or (price is not None and price <= 0):
            raise BookRefusal(
                f"{order_id}: {total} at {price} is no change; {order.filled} are filled, the "
                "total must be above that and the price above 0"
            )
        if price == order.limit_price and total <= order.quantity:
            order.quantity = total
            return Outcome(order)
        self._sides[order.side].remove(order)
        order.quantity, order.limit_price = total, price
        return Outcome(order, self._enter(order))

    def cancel(self, order_id: str, reason: CancelReason = CancelReason.BY_OWNER) -> BookOrder:
        """End a resting order.

        Raises:
            BookRefusal: It is not open.
        """
        order = self._open(order_id)
        self._sides[order.side].remove(order)
        order.cancel_reason = reason
        return order

    def house_quote(
        self,
        *,
        last: Decimal,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        quantity: Decimal | None = None,
        levels: int = 1,
        step: Decimal = ZERO,
    ) -> list[Execution]:
        """Replace what the house offers; orders that it reaches fill at their own prices.

        Args:
            last: Where the market trades; bid and ask are there too unless given.
            quantity: Of each level; None is endless.
            step: From one level to the next, away from the other side.
        """
        self.house_leave()
        executions: list[Execution] = []
        for away in (level * step for level in range(levels)):
            for side, price in (
                (Side.SELL, (last if ask is None else ask) + away),
                (Side.BUY, (last if bid is None else bid) - away),
            ):
                if price > 0:
                    executions += self._enter(self._house(side, price, quantity))
        self.last = last
        return executions

    def house_leave(self) -> None:
        """Take away all that the house offers; what others offer stays."""
        for book_side in self._sides.values():
            for order in book_side.owned_by_house():
                book_side.remove(order)

    def best(self, side: Side) -> Decimal | None:
        """Return the best price of a side."""
        return self._sides[side].best_price()

    def depth(self, side: Side, levels: int) -> list[tuple[Decimal, Decimal]]:
        """Return price and quantity of the best levels, best first."""
        return self._sides[side].levels(levels)

    def open_orders(self) -> list[BookOrder]:
        """Return what rests and is not of the house, as it would trade."""
        return [o for side in self._sides.values() for o in side if o.owner != HOUSE]

    def quantity_available(self, *, side: Side, limit_price: Decimal | None = None) -> Decimal:
        """Return what an order of ``side`` would fill now at most; infinite with the house."""
        return sum((leaves for _, leaves in self._takeable(side, limit_price, "")), ZERO)

    def quantity_for(self, *, side: Side, notional: Decimal) -> Decimal:
        """Return how much a sum of money trades now, walking the book; unrounded."""
        quantity = ZERO
        for price, leaves in self._takeable(side, None, ""):
            taken = min(leaves, notional / price)
            quantity += taken
            notional -= taken * price
            if notional <= 0:
                break
        return quantity

    def _takeable(
        self, side: Side, limit_price: Decimal | None, owner: str
    ) -> Iterator[tuple[Decimal, Decimal]]:
        for resting in self._sides[side.opposite]:
            price = resting.limit_price
            assert price is not None
            if not side.reaches(limit_price, price):
                return
            if not (owner == HOUSE == resting.owner):
                yield price, Decimal("Infinity") if resting.endless else resting.leaves

    def _enter(self, order: BookOrder) -> list[Execution]:
        order.sequence = next(self._sequence)
        if refused := self._refusal(order):
            order.cancel_reason = refused
            return []
        executions = self._match(order)
        if not order.is_open:
            return executions
        if order.limit_price is None or order.time_in_force is TimeInForce.IOC:
            order.cancel_reason = CancelReason.NO_MORE_TO_TAKE
        else:
            self._sides[order.side].add(order)
        return executions

    def _refusal(self, order: BookOrder) -> CancelReason | None:
        if order.time_in_force not in (TimeInForce.FOK, TimeInForce.POST_ONLY):
            return None
        takeable = self._takeable(order.side, order.limit_price, order.owner)
        available = sum((leaves for _, leaves in takeable), ZERO)
        if order.time_in_force is TimeInForce.POST_ONLY:
            return CancelReason.WOULD_TAKE if available else None
        return CancelReason.NOT_IN_FULL if available < order.leaves else None

    def _match(self, taker: BookOrder) -> list[Execution]:
        executions: list[Execution] = []
        for maker in self._sides[taker.side.opposite]:
            price = maker.limit_price
            assert price is not None
            if not taker.is_open or not taker.side.reaches(taker.limit_price, price):
                break
            if not (maker.owner == HOUSE == taker.owner):
                executions.append(self._trade(maker, taker, price))
        return executions

    def _trade(self, maker: BookOrder, taker: BookOrder, price: Decimal) -> Execution:
        wanted = (order.leaves for order in (maker, taker) if not order.endless)
        quantity = min(wanted)
        for order in (maker, taker):
            if not order.endless:
                order.filled += quantity
                order.filled_notional += quantity * price
        if not maker.is_open:
            self._sides[maker.side].remove(maker)
        self.last = price
        return Execution(next(self._execution_ids), maker, taker, price, quantity)

    def _house(self, side: Side, price: Decimal, quantity: Decimal | None) -> BookOrder:
        order_id = f"{HOUSE}-{next(self._sequence)}"
        shown = SHOWN if quantity is None else quantity
        return BookOrder(order_id, HOUSE, side, shown, price, endless=quantity is None)

    def _open(self, order_id: str) -> BookOrder:
        order = self.orders.get(order_id)
        if order is None or not order.is_open:
            raise BookRefusal(f"{order_id} is not open at {self.symbol}; only open orders change")
        return order

    def _check(self, *, order_id: str, quantity: Decimal, limit_price: Decimal | None) -> None:
        if order_id in self.orders:
            raise BookRefusal(f"{order_id} was used before; each order needs an id of its own")
        if quantity <= 0 or (limit_price is not None and limit_price <= 0):
            raise BookRefusal(f"{quantity} at {limit_price}: both must be above 0")
