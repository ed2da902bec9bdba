"""What clients may ask to change: checked at once, as the acknowledgement is; done a little later.

A request has two halves. The check raises what the answer says. The operation runs when the book
gets to it; by then the market may have moved on, and the streams tell what became of it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.venues.bybit.creation import instrument_of
from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.matching import (
    after_trading,
    executions_apply,
    order_enter,
    order_sync,
    order_withdraw,
)
from tests.venues.bybit.order_terms import (
    number_read,
    price_read,
    quantity_check,
    tpsl_read,
)
from tests.venues.bybit.orders import VenueOrder
from tests.venues.bybit.protection import trigger_wait
from tests.venues.bybit.replies import Refusal
from tests.venues.bybit.venue import Change, Venue
from tests.venues.exchange import BookRefusal

Asked = Mapping[str, Any]
_MOST_ACTIVE = 500


def enter(venue: Venue, fields: Asked) -> None:
    """Let an acknowledged order into the book, or reject it after all."""
    order = venue.orders[fields["order_id"]]
    if fields.get("reject"):
        order.end("Rejected", reason="EC_Others")
        venue.order_changed(order)
        return
    thin = fields.get("thin")
    order_enter(venue, order, thin=None if thin is None else Decimal(thin))


def amend_check(venue: Venue, asked: Asked) -> VenueOrder:
    """Check a request to amend; return its order."""
    order = order_named(venue, asked, verb="replace")
    listed = order.instrument
    if (quantity := number_read(asked, "qty")) is not None:
        quantity_check(listed, quantity, market=order.order_type == "Market")
        if quantity <= order.filled:
            raise Refusal(10001, "params error: qty must be larger than the filled qty")
    price_read(listed, asked, "price")
    price_read(listed, asked, "triggerPrice")
    wanted = {
        "qty": order.quantity,
        "price": order.price,
        "triggerPrice": order.trigger_price,
        "takeProfit": order.tpsl.take_profit or Decimal(0),
        "stopLoss": order.tpsl.stop_loss or Decimal(0),
    }
    given = {name: number_read(asked, name) for name in wanted}
    if all(value is None or value == wanted[name] for name, value in given.items()):
        raise Refusal(
            10001,
            "The order remains unchanged as the parameters entered match the existing ones.",
        )
    return order


def amend(venue: Venue, fields: Asked) -> None:
    """Change an order, unless it has ended meanwhile."""
    order, asked = venue.orders[fields["order_id"]], fields["asked"]
    if not order.is_open:
        return
    listed = order.instrument
    quantity, price = number_read(asked, "qty"), price_read(listed, asked, "price")
    _amend_protection(order, asked)
    market = venue.market(listed)
    if order.status == "Untriggered":
        order.quantity = quantity or order.quantity
        order.price = price if price and order.order_type == "Limit" else order.price
        order.trigger_price = price_read(listed, asked, "triggerPrice") or order.trigger_price
        trigger_wait(market, order)
    elif quantity or price:
        try:
            outcome = market.book.amend(
                order_id=order.order_id, quantity=quantity, limit_price=price
            )
        except BookRefusal:  # filled up to there meanwhile
            return
        order.quantity = order.entered = outcome.order.quantity
        order.price = price or order.price
        executions_apply(venue, market, outcome.executions)
        order_sync(order, outcome.order)
        venue.touched_markets.add(listed.key)
    venue.order_changed(order)
    after_trading(venue, market)


def cancel_check(venue: Venue, asked: Asked) -> VenueOrder:
    """Check a request to cancel; return its order."""
    order = order_named(venue, asked, verb="cancel")
    if not order.is_linear and asked.get("orderFilter", "Order") != _filter_now(order):
        raise Refusal(170213, "Order does not exist.")
    return order


def cancel(venue: Venue, fields: Asked) -> None:
    """End an order; where it was filled meanwhile, say that again with the cancel that lost."""
    order = venue.orders[fields["order_id"]]
    if order.is_open:
        order_withdraw(venue, order, str(fields.get("cancel_type", "CancelByUser")))
    elif order.status == "Filled":
        row = {
            **order.stream_row(),
            "cancelType": "CancelByUser",
            "rejectReason": "EC_OrigClOrdIDDoesNotExist",
        }
        venue.changes.append(Change("order", row))


def cancel_all_check(venue: Venue, asked: Asked) -> list[VenueOrder]:
    """Check a request to cancel all; return the orders that it means."""
    category = asked.get("category")
    if category not in ("linear", "spot"):
        raise Refusal(10001, "params error: Illegal category")
    scope = [name for name in ("symbol", "baseCoin", "settleCoin") if asked.get(name)]
    if category == "linear" and not scope:
        raise Refusal(10001, "params error: symbol, baseCoin or settleCoin is missing")
    if asked.get("symbol"):
        venue.listing.get(category, asked["symbol"])
    wanted = str(asked.get("orderFilter") or ("Order" if category == "spot" else ""))
    return [
        order
        for order in venue.open_orders.values()
        if order.instrument.category == category
        and is_in_scope(order.instrument, asked)
        and wanted in ("", _filter_now(order))
        and asked.get("stopOrderType") in (None, "", order.stop_order_type)
    ][:_MOST_ACTIVE]


def is_in_scope(listed: Instrument, asked: Asked) -> bool:
    """Tell whether symbol, base coin and settle coin, the first that is given, name it."""
    for name, has in (
        ("symbol", listed.symbol),
        ("baseCoin", listed.base),
        ("settleCoin", listed.quote),
    ):
        if asked.get(name):
            return bool(asked[name] == has)
    return True


def order_named(venue: Venue, asked: Asked, *, verb: str) -> VenueOrder:
    """Return the open order that a request names; its own id wins over the client's.

    Raises:
        Refusal: There is none, or it has ended.
    """
    listed = instrument_of(venue, asked)
    order_id, link_id = asked.get("orderId"), asked.get("orderLinkId")
    if not (order_id or link_id):
        raise Refusal(10001, "params error: orderId or orderLinkId is missing")
    order = venue.orders.get(str(order_id)) if order_id else None
    if not order_id:
        order = venue.by_link.get((listed.category, str(link_id)))
    if order is None or order.instrument != listed or order.order_id not in venue.open_orders:
        if listed.is_linear:
            raise Refusal(110001, f"order not exists or too late to {verb}")
        raise Refusal(170213, "Order does not exist.")
    return order


def _filter_now(order: VenueOrder) -> str:
    """Return the filter that names an order: a triggered one is an ordinary order."""
    return order.order_filter if order.status in ("Untriggered", "Created") else "Order"


def _amend_protection(order: VenueOrder, asked: Asked) -> None:
    if not any(asked.get(name) for name in ("takeProfit", "stopLoss")):
        return
    before = {
        "takeProfit": order.tpsl.take_profit,
        "stopLoss": order.tpsl.stop_loss,
        "tpslMode": order.tpsl.mode,
    }
    merged = {**{n: str(v) for n, v in before.items() if v}, **asked}
    order.tpsl = tpsl_read(
        order.instrument, merged, reduce_only=False, market=order.order_type == "Market"
    )
