"""Writes the desk's orders in Bybit's words; numbers go out as texts without an exponent."""

from decimal import Decimal

from apps.brokers.bybit.symbols import NotOfBybit, VenueSymbol, venue_symbol
from apps.core.money import plain
from apps.orders.domain.ports import Rejected
from apps.orders.domain.types import (
    BrokerCapabilities,
    OrderAmendment,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)

Params = dict[str, object]

CAPABILITIES = BrokerCapabilities(
    attached_exits=False,  # Bybit's children take no ids of ours and no distance from the fill
    deduplicates=True,
    absence_window_seconds=10.0,  # an order may show up in no list for some seconds
    order_types=frozenset(
        {
            *(OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT),
            OrderType.TAKE_PROFIT,
        }
    ),
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
    amends=True,
    post_only=True,
)
_SIDE = {Side.BUY: "Buy", Side.SELL: "Sell"}
_RISES, _FALLS = 1, 2
_CONDITIONAL = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT})
_LONGEST_ID = 36


def rejected_here(sentence: str, code: str) -> Rejected:
    """Return a refusal by the adapter itself: nothing was sent."""
    return Rejected(f"{sentence}; nothing was sent", code=code)


def venue_of(symbol: str) -> VenueSymbol:
    """Return what Bybit calls an instrument.

    Raises:
        Rejected: It is none of Bybit's.
    """
    try:
        return venue_symbol(symbol)
    except NotOfBybit as error:
        raise rejected_here(str(error), "SYMBOL") from None


def order_params(
    request: OrderRequest, *, position_index: int, slippage_percent: Decimal | None = None
) -> Params:
    """Return the parameters of a new order.

    Args:
        position_index: 0 in one-way mode; 1 (long) or 2 (short) in hedge mode.
        slippage_percent: How far a market order that opens may slip; None: the venue's own limit.

    Raises:
        Rejected: Bybit has no such order.
    """
    _order_check(request)
    venue = venue_of(request.symbol)
    params: Params = {
        "category": venue.category,
        "symbol": venue.code,
        "side": _SIDE[request.side],
        "orderType": "Limit" if request.order_type.needs_limit_price else "Market",
        "qty": plain(request.quantity),
        "orderLinkId": request.client_order_id,
    }
    if request.limit_price is not None and request.order_type.needs_limit_price:
        params["price"] = plain(request.limit_price)
        params["timeInForce"] = "PostOnly" if request.post_only else request.time_in_force.value
    params |= _trigger(request, venue)
    params |= _by_category(request, venue, position_index)
    is_plain_market = request.order_type is OrderType.MARKET and not request.reduce_only
    if slippage_percent is not None and is_plain_market:
        params |= {
            "slippageToleranceType": "Percent",
            "slippageTolerance": plain(slippage_percent),
        }
    return params


def _by_category(request: OrderRequest, venue: VenueSymbol, position_index: int) -> Params:
    if venue.category == "linear":
        params: Params = {"positionIdx": position_index}
        return params | {"reduceOnly": True} if request.reduce_only else params
    if request.reduce_only and request.side is Side.BUY:
        raise rejected_here("a spot buy cannot reduce anything", "REDUCE_ONLY")
    # Without borrowing a spot sale never opens a short; and a market buy counts coins, not money
    is_market = not request.order_type.needs_limit_price
    return {"isLeverage": 0} | ({"marketUnit": "baseCoin"} if is_market else {})


def _trigger(request: OrderRequest, venue: VenueSymbol) -> Params:
    if request.order_type not in _CONDITIONAL or request.stop_price is None:
        return {}
    params: Params = {"triggerPrice": plain(request.stop_price)}
    if venue.category == "spot":
        return params | {"orderFilter": "StopOrder"}
    is_stop = request.order_type is not OrderType.TAKE_PROFIT
    rises = (request.side is Side.BUY) == is_stop
    return params | {"triggerDirection": _RISES if rises else _FALLS, "triggerBy": "LastPrice"}


def _order_check(request: OrderRequest) -> None:
    """Refuse what Bybit does not offer, before it could take it for something else.

    Raises:
        Rejected: Names what is wrong.
    """
    if request.attached:
        raise rejected_here("Bybit starts no exits with ids of ours with an entry", "ATTACHED")
    if request.order_type not in CAPABILITIES.order_types:
        raise rejected_here(f"Bybit has no {request.order_type} orders", "ORDER_TYPE")
    if request.time_in_force not in CAPABILITIES.times_in_force:
        raise rejected_here(f"Bybit has no time in force {request.time_in_force}", "TIME_IN_FORCE")
    _identity_check(request.client_order_id)
    _amount_check("quantity", request.quantity)
    for name, price, is_needed in (
        ("limit price", request.limit_price, request.order_type.needs_limit_price),
        ("stop price", request.stop_price, request.order_type.needs_stop_price),
    ):
        if is_needed and price is None:
            raise rejected_here(f"a {request.order_type} order needs a {name}", "PRICE")
        if price is not None:
            _amount_check(name, price)
    if request.post_only and (
        request.order_type is not OrderType.LIMIT or request.time_in_force is not TimeInForce.GTC
    ):
        raise rejected_here("only a GTC limit order can be post-only", "POST_ONLY")
    needs_whole = request.time_in_force is TimeInForce.FOK
    if needs_whole and not request.order_type.needs_limit_price:
        raise rejected_here("a market order at Bybit fills what it can: never FOK", "TIME_IN_FORCE")


def _identity_check(client_order_id: str) -> None:
    is_plain = client_order_id.replace("_", "").replace("-", "").isalnum()
    if not (client_order_id.isascii() and is_plain and len(client_order_id) <= _LONGEST_ID):
        raise rejected_here(
            f"client order id {client_order_id!r} is not 1 to {_LONGEST_ID} letters, digits, "
            "hyphens and underscores",
            "CLIENT_ORDER_ID",
        )


def _amount_check(name: str, amount: Decimal) -> None:
    if not amount.is_finite() or amount <= 0:
        raise rejected_here(f"{name} {amount} is not a positive number", "AMOUNT")


def amendment_params(amendment: OrderAmendment) -> Params:
    """Return the parameters of a change.

    Raises:
        Rejected: It changes nothing, or to something that is no amount.
    """
    venue = venue_of(amendment.symbol)
    changes: Params = {}
    for name, amount, wire_name in (
        ("quantity", amendment.quantity, "qty"),
        ("limit price", amendment.limit_price, "price"),
        ("stop price", amendment.stop_price, "triggerPrice"),
    ):
        if amount is not None:
            _amount_check(name, amount)
            changes[wire_name] = plain(amount)
    if not changes:
        raise rejected_here("the amendment changes nothing", "AMENDMENT")
    return {
        "category": venue.category,
        "symbol": venue.code,
        "orderLinkId": amendment.client_order_id,
        **changes,
    }
