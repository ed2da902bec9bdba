"""What the risk system and the exchange refuse after the gateway said yes: the book tells it."""

from decimal import Decimal

from tests.venues.angelone.orders import Order
from tests.venues.angelone.portfolio import funds_available, order_margin, units_to_sell
from tests.venues.angelone.venue import Venue
from tests.venues.exchange import Side


def refusal_of(venue: Venue, order: Order) -> str:
    """Return why an order is rejected; empty where it is not."""
    if order.refuses_with:
        return order.refuses_with
    return _exchange_refuses(venue, order) or _risk_refuses(venue, order)


def _exchange_refuses(venue: Venue, order: Order) -> str:
    instrument, terms = order.instrument, order.terms
    if not instrument.is_traded:
        return "Your order has been rejected as trading in this symbol is not allowed"
    if terms.quantity % instrument.lot:
        return f"Your order quantity must be a multiple of the lot size {instrument.lot}"
    for price in (terms.limit_price or Decimal(0), terms.triggerprice):
        if price % instrument.tick:
            return f"Your order price {price} is not a multiple of tick size {instrument.tick}"
    market = venue.market(instrument.key)
    limit = terms.limit_price
    if limit is not None and not market.lower_circuit <= limit <= market.upper_circuit:
        return (
            "Your order has been rejected as the order price is beyond the circuit limits "
            f"{market.lower_circuit} - {market.upper_circuit}"
        )
    return _stop_refused(order)


def _stop_refused(order: Order) -> str:
    terms = order.terms
    if not terms.is_stop or terms.limit_price is None:
        return ""
    buys = terms.side is Side.BUY
    if (
        (terms.limit_price < terms.triggerprice)
        if buys
        else (terms.limit_price > terms.triggerprice)
    ):
        worse = "below" if buys else "above"
        return f"Your limit price of a {terms.side} stop loss order must not be {worse} its trigger"
    return ""


def _risk_refuses(venue: Venue, order: Order) -> str:
    terms = order.terms
    if terms.producttype == "DELIVERY" and terms.side is Side.SELL:
        units = units_to_sell(venue, order.instrument.key)
        if terms.quantity > units and not order.instrument.is_derivative:
            return (
                f"Your order has been rejected as you hold {max(units, 0)} units and sell "
                f"{terms.quantity}"
            )
    needed, available = order_margin(venue, order), funds_available(venue)
    if needed > available and not _closes(venue, order):
        return (
            "Your order has been rejected due to Insufficient Funds. Available funds - "
            f"Rs. {available:.2f} . You require Rs. {needed:.2f} funds to execute this order."
        )
    return ""


def _closes(venue: Venue, order: Order) -> bool:
    """Tell whether an order only takes from a position: that needs no funds."""
    position = venue.books.positions.get((order.instrument.key, order.terms.producttype))
    net = position.net if position is not None else 0
    held = net if order.terms.side is Side.SELL else -net
    return held >= order.terms.quantity
