"""Turns orders into the words of Angel One, and refuses what cannot be said in them."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from apps.brokers.angelone.listings import Listed
from apps.brokers.angelone.rows import VenueOrder
from apps.brokers.angelone.words import LONGEST_TAG, ORDER_TYPES, SIDES
from apps.core.money import plain
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import (
    OrderAmendment,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)

_TEN_THOUSAND = Decimal(10_000)
Words = dict[str, str]


def conditions_check(request: OrderRequest) -> None:
    """Refuse an order that Angel One has no words for; nothing is taken for something else.

    Raises:
        Rejected: It names the condition.
    """
    if request.attached:
        raise Rejected("Angel One starts no exits with an entry", code="ATTACHED")
    if request.order_type not in ORDER_TYPES:
        raise Rejected(
            f"Angel One takes no {request.order_type} order from a program; LIMIT, STOP and "
            "STOP_LIMIT are taken",
            code="ORDER_TYPE",
        )
    if request.time_in_force is not TimeInForce.DAY:
        raise Rejected(
            f"Angel One takes no {request.time_in_force} order from a program: every order ends "
            "with the session, so that DAY is the only choice",
            code="TIME_IN_FORCE",
        )
    if request.post_only:
        raise Rejected("Angel One has no orders that only provide liquidity", code="POST_ONLY")
    name = request.client_order_id
    if not 1 <= len(name) <= LONGEST_TAG or not name.isascii() or not name.isprintable():
        raise Rejected(
            f"the client order id {name!r} cannot be an order tag of 1 to {LONGEST_TAG} letters",
            code="CLIENT_ORDER_ID",
        )


def request_words(request: OrderRequest, there: Listed, *, product: str, bound_bps: int) -> Words:
    """Return the order in the words of Angel One; numbers as text.

    Raises:
        Rejected: Quantity or prices break the exchange's rules.
    """
    conditions_check(request)
    there.quantity_check(request.quantity)
    words = {
        "variety": "NORMAL",
        "tradingsymbol": there.trading_symbol,
        "symboltoken": there.symbol_token,
        "exchange": there.exchange,
        "transactiontype": SIDES[request.side],
        "ordertype": ORDER_TYPES[request.order_type],
        "producttype": product,
        "duration": "DAY",
        "quantity": plain(request.quantity),
        "price": "0",
        "triggerprice": "0",
        "squareoff": "0",
        "stoploss": "0",
        "ordertag": request.client_order_id,
    }
    if request.order_type.needs_stop_price:
        stop = there.price_check("stop", request.stop_price)
        words |= {"variety": "STOPLOSS", "triggerprice": plain(stop)}
    if request.order_type is OrderType.STOP:
        limit = bounded_limit(stop, side=request.side, there=there, bound_bps=bound_bps)
        return {**words, "price": plain(limit)}
    limit = there.price_check("limit", request.limit_price)
    if request.order_type is OrderType.STOP_LIMIT and (limit - stop) * request.side.sign < 0:
        raise Rejected(
            f"the limit price {plain(limit)} of a stop must not lie before its trigger "
            f"{plain(stop)}",
            code="PRICE",
        )
    return {**words, "price": plain(limit)}


def bounded_limit(stop: Decimal, *, side: Side, there: Listed, bound_bps: int) -> Decimal:
    """Return the worst price at which a stop may fill, where none goes at market.

    Args:
        bound_bps: How far beyond the trigger; rounded towards the trigger, one tick at least.
    """
    distance = stop * bound_bps / _TEN_THOUSAND
    towards = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    ticks = ((stop + side.sign * distance) / there.tick_size).to_integral_value(towards)
    worst = max(ticks * there.tick_size, there.tick_size)
    one_tick = stop + side.sign * there.tick_size
    return max(worst, one_tick) if side is Side.BUY else max(min(worst, one_tick), there.tick_size)


def amendment_words(
    amendment: OrderAmendment,
    order: VenueOrder,
    there: Listed,
    *,
    bound_bps: int | None,
) -> Words:
    """Return the whole order with its new terms: Angel One takes no single ones.

    Args:
        order: As the broker has it now.
        bound_bps: Of a stop whose limit price is the adapter's own; None: it is not.

    Raises:
        Rejected: The order works no more, does not go by such a price, or the terms break the
            exchange's rules. It is left as it was.
    """
    _amendable_check(amendment, order, is_bounded=bound_bps is not None)
    quantity = order.quantity if amendment.quantity is None else amendment.quantity
    there.quantity_check(quantity)
    if quantity <= order.filled_quantity:
        raise Rejected(
            f"quantity {plain(quantity)} must be above the {plain(order.filled_quantity)} that "
            "have filled; cancel the order instead",
            code="QUANTITY",
        )
    stop = order.stop_price if amendment.stop_price is None else amendment.stop_price
    limit = order.limit_price if amendment.limit_price is None else amendment.limit_price
    if stop is not None:
        stop = there.price_check("stop", stop)
    if bound_bps is not None and stop is not None and amendment.stop_price is not None:
        limit = bounded_limit(stop, side=order.side, there=there, bound_bps=bound_bps)
    return {
        "variety": order.variety or "NORMAL",
        "orderid": order.venue_order_id,
        "ordertype": order.order_type,
        "producttype": order.product_type,
        "duration": "DAY",
        "price": plain(there.price_check("limit", limit)),
        "quantity": plain(quantity),
        "triggerprice": "0" if stop is None else plain(stop),
        "tradingsymbol": order.trading_symbol,
        "symboltoken": order.symbol_token or there.symbol_token,
        "exchange": order.exchange,
    }


def _amendable_check(amendment: OrderAmendment, order: VenueOrder, *, is_bounded: bool) -> None:
    name = amendment.client_order_id
    if not order.is_open:
        raise Rejected(
            f"order {name} works no more ({order.status_word}), so it cannot be amended",
            code="NOT_OPEN",
        )
    if amendment.stop_price is not None and order.stop_price is None:
        raise Rejected(f"order {name} has no stop price to amend", code="PRICE")
    if amendment.limit_price is not None and (order.limit_price is None or is_bounded):
        raise Rejected(f"order {name} has no limit price to amend", code="PRICE")
