"""The words of the order book: sides, terms, orders and executions."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

HOUSE = "HOUSE"  # owner of the liquidity that a test sets; it never trades with itself
ZERO = Decimal(0)


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    def reaches(self, limit_price: Decimal | None, price: Decimal) -> bool:
        """Tell whether an order of this side may trade at a price; None is a market order."""
        if limit_price is None:
            return True
        return limit_price >= price if self is Side.BUY else limit_price <= price


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "POST_ONLY"


class BookStatus(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"


class CancelReason(StrEnum):
    BY_OWNER = "BY_OWNER"
    NO_MORE_TO_TAKE = "NO_MORE_TO_TAKE"  # the rest of a market or IOC order
    NOT_IN_FULL = "NOT_IN_FULL"  # FOK
    WOULD_TAKE = "WOULD_TAKE"  # post-only


@dataclass
class BookOrder:
    """An order as the book knows it.

    Attributes:
        limit_price: None for a market order.
        sequence: Its place in time among the orders of its price.
        endless: Liquidity of the house that is never used up; ``quantity`` is what it shows.
    """

    order_id: str
    owner: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    time_in_force: TimeInForce = TimeInForce.GTC
    sequence: int = 0
    endless: bool = False
    filled: Decimal = ZERO
    filled_notional: Decimal = ZERO
    cancel_reason: CancelReason | None = None

    @property
    def leaves(self) -> Decimal:
        """What may still trade."""
        return ZERO if self.cancel_reason else self.quantity - self.filled

    @property
    def average_price(self) -> Decimal | None:
        """Mean price of what was filled; None before the first fill."""
        return self.filled_notional / self.filled if self.filled else None

    @property
    def status(self) -> BookStatus:
        if self.cancel_reason:
            return BookStatus.CANCELED
        if self.filled == self.quantity:
            return BookStatus.FILLED
        return BookStatus.PARTIALLY_FILLED if self.filled else BookStatus.NEW

    @property
    def is_open(self) -> bool:
        return self.leaves > 0


@dataclass(frozen=True)
class Execution:
    """A trade between two orders, at the price of the one that was there first."""

    execution_id: int
    maker: BookOrder
    taker: BookOrder
    price: Decimal
    quantity: Decimal

    @property
    def orders(self) -> tuple[BookOrder, BookOrder]:
        return self.maker, self.taker
