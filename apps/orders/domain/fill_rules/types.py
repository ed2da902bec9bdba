"""What a bar needs to know of an order, and what it does to it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from apps.orders.domain.types import OrderType, Side


class FillMoment(StrEnum):
    """When inside the bar an order filled."""

    AT_OPEN = "AT_OPEN"
    INSIDE = "INSIDE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An open order as far as it decides how it meets the next bar.

    Attributes:
        limit_price, stop_price: Quote currency, by order type. A trailing stop finds its stop
            price itself.
        trail_amount, trail_ratio: Distance of a trailing stop from the best price, one of them.
        best_price: Highest price that a selling trailing stop has seen, lowest for a buying one;
            None before its first bar.
        is_triggered: An earlier bar has reached the stop price.
        has_rested: It has met a bar with its present limit price, and so stands in the book.
        post_only: It never takes liquidity.
    """

    order_type: OrderType
    side: Side
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_ratio: Decimal | None = None
    best_price: Decimal | None = None
    is_triggered: bool = False
    has_rested: bool = False
    post_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMatch:
    """At which price and when a bar fills an order.

    Attributes:
        is_maker: The order stood in the book and the market came to it.
    """

    price: Decimal
    moment: FillMoment
    is_maker: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a bar does to an order.

    Attributes:
        fill: Where it fills, as far as there is volume; None: the bar does not reach it.
        is_triggered, best_price, stop_price: How the order goes on to the next bar.
        takes_liquidity: A post-only order that would have traded on arrival; it must be canceled.
    """

    fill: PriceMatch | None
    is_triggered: bool
    best_price: Decimal | None
    stop_price: Decimal | None
    takes_liquidity: bool = False
