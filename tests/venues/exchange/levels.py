"""One side of a book: queues of orders by price, the best price first."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from tests.venues.exchange.orders import HOUSE, BookOrder, Side


class BookSide:
    """Resting orders of one side, in the order in which they trade."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = -1 if side is Side.BUY else 1
        self._keys: list[Decimal] = []  # signed prices, best first
        self._queues: dict[Decimal, dict[str, BookOrder]] = {}

    def add(self, order: BookOrder) -> None:
        """Put an order behind all others of its price."""
        key = self._key(order)
        if key not in self._queues:
            insort(self._keys, key)
            self._queues[key] = {}
        self._queues[key][order.order_id] = order

    def remove(self, order: BookOrder) -> None:
        """Take an order out.

        Raises:
            KeyError: It does not rest here.
        """
        key = self._key(order)
        queue = self._queues[key]
        del queue[order.order_id]
        if not queue:
            del self._queues[key]
            del self._keys[bisect_left(self._keys, key)]

    def __iter__(self) -> Iterator[BookOrder]:
        """Yield by price, then by time; the side may change meanwhile."""
        for key in tuple(self._keys):
            yield from tuple(self._queues.get(key, {}).values())

    def owned_by_house(self) -> list[BookOrder]:
        return [order for order in self if order.owner == HOUSE]

    def best_price(self) -> Decimal | None:
        return self._keys[0] * self._sign if self._keys else None

    def levels(self, count: int) -> list[tuple[Decimal, Decimal]]:
        """Return price and total leaves of the best ``count`` prices."""
        return [
            (key * self._sign, sum((o.leaves for o in self._queues[key].values()), Decimal(0)))
            for key in self._keys[:count]
        ]

    def _key(self, order: BookOrder) -> Decimal:
        assert order.limit_price is not None, "a market order never rests"
        return order.limit_price * self._sign
