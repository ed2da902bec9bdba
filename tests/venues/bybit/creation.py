"""Takes new orders: all that can refuse one before it is acknowledged."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.order_terms import OrderTerms, terms_read
from tests.venues.bybit.orders import VenueOrder
from tests.venues.bybit.replies import Refusal
from tests.venues.bybit.venue import Venue
from tests.venues.bybit.wallet import is_affordable

Asked = Mapping[str, Any]
_MOST_CONDITIONAL = {"linear": 10, "spot": 30}  # of a symbol and kind
_MOST_ACTIVE = 500


def instrument_of(venue: Venue, asked: Asked) -> Instrument:
    """Return the instrument of a request.

    Raises:
        Refusal: The category or the symbol is none, or it does not trade.
    """
    category = str(asked.get("category", ""))
    if category not in ("linear", "spot"):
        raise Refusal(10001, "params error: Illegal category")
    listed = venue.listing.get(category, str(asked.get("symbol", "")))
    if listed.status != "Trading":
        raise Refusal(110074, "This contract is not live")
    return listed


def create(venue: Venue, fields: Asked) -> VenueOrder:
    """Take an order, which then waits to enter the book."""
    asked = fields["asked"]
    listed = instrument_of(venue, asked)
    terms = terms_read(listed, asked)
    _check_link(venue, terms)
    _check_mode(venue, terms)
    last = venue.market(listed).last
    _check_trigger(venue, terms, venue.market(listed).price_of(terms.trigger_by))
    _check_protection(terms, last)
    order = _order(venue, terms, last)
    if not terms.trigger_price or terms.order_filter == "tpslOrder":
        _check_funds(venue, order)
    order.order_id = venue.next_id(listed)
    venue.orders[order.order_id] = venue.open_orders[order.order_id] = order
    if not order.link_id and not listed.is_linear:
        order.link_id = str(int(order.order_id) + 1)  # spot fills it in
    if order.link_id:
        venue.by_link[listed.category, order.link_id] = order
    return order


def _order(venue: Venue, terms: OrderTerms, last: Decimal) -> VenueOrder:
    return VenueOrder(
        instrument=terms.instrument,
        order_id="",
        link_id=terms.link_id,
        side=terms.side,
        order_type=terms.order_type,
        quantity=terms.quantity,
        price=_price_within(venue, terms, last),
        time_in_force=terms.time_in_force,
        created_ms=venue.now_ms(),
        updated_ms=venue.now_ms(),
        position_idx=terms.position_idx,
        reduce_only=terms.reduce_only,
        close_on_trigger=terms.close_on_trigger,
        trigger_price=terms.trigger_price,
        trigger_direction=terms.trigger_direction,
        trigger_by=terms.trigger_by,
        order_filter=terms.order_filter,
        stop_order_type=_stop_type(terms),
        market_unit=terms.market_unit,
        slippage=terms.slippage,
        tpsl=terms.tpsl,
        last_on_created=last,
    )


def _stop_type(terms: OrderTerms) -> str:
    if terms.order_filter == "Order":
        return ""
    return "tpslOrder" if terms.order_filter == "tpslOrder" else "Stop"


def _price_within(venue: Venue, terms: OrderTerms, last: Decimal) -> Decimal | None:
    """Return the price within the band: linear is moved there without a word, spot refused."""
    listed, band = terms.instrument, venue.settings.price_band
    tick = listed.tick
    buys = terms.side == "Buy"
    bound = last * (1 + band if buys else 1 - band)
    bound = (bound / tick).quantize(Decimal(1), ROUND_DOWN if buys else ROUND_UP) * tick
    if terms.price is None:
        return bound if listed.is_linear else None  # a market order's row shows it
    beyond = terms.price > bound if buys else terms.price < bound
    if not beyond or terms.trigger_price:
        return terms.price
    if listed.is_linear:
        return bound
    code = 170193 if buys else 170194
    words = (
        "Buy order price cannot be higher than" if buys else "Sell order price cannot be lower than"
    )
    raise Refusal(code, f"{words} {bound}.")


def _check_link(venue: Venue, terms: OrderTerms) -> None:
    listed = terms.instrument
    if terms.link_id and (listed.category, terms.link_id) in venue.by_link:
        if listed.is_linear:
            raise Refusal(110072, "OrderLinkedID is duplicate")
        raise Refusal(170141, "Duplicate clientOrderId")


def _check_mode(venue: Venue, terms: OrderTerms) -> None:
    listed = terms.instrument
    if not listed.is_linear:
        return
    if terms.position_idx not in venue.account.indexes(listed.symbol):
        raise Refusal(10001, "position idx not match position mode")
    if terms.reduce_only:
        position = venue.account.position(listed, terms.position_idx)
        if position.side in ("", terms.side) and not terms.trigger_price:
            raise Refusal(110017, "current position is zero, cannot fix reduce-only order qty")


def _check_trigger(venue: Venue, terms: OrderTerms, current: Decimal) -> None:
    listed = terms.instrument
    there = venue.orders_of(listed)
    active = len(there)
    if active >= _MOST_ACTIVE:
        code = 110020 if listed.is_linear else 170810
        raise Refusal(code, "Not allowed to have more than 500 active orders")
    trigger = terms.trigger_price
    if trigger is None:
        return
    waiting = sum(
        o.order_filter == terms.order_filter
        and o.stop_order_type == _stop_type(terms)
        and o.status in ("Untriggered", "Created")
        for o in there
    )
    if waiting >= _MOST_CONDITIONAL[listed.category]:
        raise Refusal(
            110009 if listed.is_linear else 170810,
            "The number of stop orders exceeds the maximum allowable limit",
        )
    for direction, code, word, wrong in (
        (1, 110092, "Rising", trigger <= current),
        (2, 110093, "Falling", trigger >= current),
    ):
        if terms.trigger_direction == direction and wrong:
            signs = "<=" if direction == 1 else ">="
            raise Refusal(
                code, f"expect {word}, but trigger_price[{trigger}] {signs} current[{current}]"
            )


def _check_protection(terms: OrderTerms, last: Decimal) -> None:
    base = terms.trigger_price or terms.price or last
    buys = terms.side == "Buy"
    for name, price, above in (
        ("TakeProfit", terms.tpsl.take_profit, buys),
        ("StopLoss", terms.tpsl.stop_loss, not buys),
    ):
        if price and (price <= base if above else price >= base):
            word = "higher" if above else "lower"
            raise Refusal(
                10001,
                f"{name}:{price} set for {terms.side} position should be {word} than "
                f"base_price:{base}??{'LastPrice' if terms.price is None else 'price'}",
            )


def _check_funds(venue: Venue, order: VenueOrder) -> None:
    if is_affordable(venue, order):
        return
    if order.is_linear:
        raise Refusal(110007, "ab not enough for new order")
    raise Refusal(170131, "Insufficient balance.")
