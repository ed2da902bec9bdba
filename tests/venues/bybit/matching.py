"""From the book to the account: orders enter, trade, end, and wake those that wait for a price."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from tests.venues.bybit.fills import fill_record
from tests.venues.bybit.market import Market, Quote
from tests.venues.bybit.orders import VenueOrder
from tests.venues.bybit.protection import (
    PROTECTION_TYPES,
    protection_clear,
    protection_follow,
    sibling_end,
    trailing_follow,
    trigger_wait,
)
from tests.venues.bybit.venue import Change, Venue
from tests.venues.bybit.wallet import is_affordable
from tests.venues.exchange import (
    BookOrder,
    BookStatus,
    CancelReason,
    Execution,
    Side,
    TimeInForce,
)

ZERO = Decimal(0)
_TERMS = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.POST_ONLY,
}
_WHY = {
    CancelReason.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    CancelReason.NOT_IN_FULL: "EC_CancelForNoFullFill",
    CancelReason.NO_MORE_TO_TAKE: "EC_NoImmediateQtyToFill",
}


def order_enter(venue: Venue, order: VenueOrder, *, thin: Decimal | None = None) -> None:
    """Put an acknowledged order where it belongs: to the triggers or into the book.

    Args:
        thin: How much the house has for it for now; all of it when None.
    """
    market = venue.market(order.instrument)
    if order.is_conditional:
        order.status = "Untriggered"
        trigger_wait(market, order)
        venue.order_changed(order)
    else:
        order_to_book(venue, order, thin=thin)
    after_trading(venue, market)


def order_to_book(venue: Venue, order: VenueOrder, *, thin: Decimal | None = None) -> None:
    """Match an order."""
    market = venue.market(order.instrument)
    quantity = _quantity_now(venue, market, order)
    if quantity <= 0:
        ends = ("CancelByReduceOnly", "EC_NoError")
        cancel_type, reason = (
            ends if order.reduce_only else ("UNKNOWN", "EC_CancelByOrderValueZero")
        )
        order.end("Cancelled", cancel_type=cancel_type, reason=reason)
        venue.order_changed(order)
        return
    order.entered = quantity
    if thin is not None:
        _house_thin(market, thin.quantize(order.instrument.step, ROUND_DOWN))
    outcome = market.book.submit(
        order_id=order.order_id,
        owner="desk",
        side=order.book_side,
        quantity=quantity,
        limit_price=_book_price(market, order),
        time_in_force=_TERMS[order.time_in_force],
    )
    executions_apply(venue, market, outcome.executions)
    order_sync(order, outcome.order)
    venue.order_changed(order)
    venue.touched_markets.add(order.instrument.key)


def executions_apply(venue: Venue, market: Market, executions: Iterable[Execution]) -> None:
    """Book trades for whoever of the two sides is the account's, and tell of makers."""
    for execution in executions:
        _print(venue, market, execution)
        for side in execution.orders:
            order = venue.orders.get(side.order_id)
            if order is None:
                continue
            fill_record(venue, order, execution, is_maker=side is execution.maker)
            if side is execution.maker:
                order_sync(order, side)
                venue.order_changed(order)
            protection_follow(venue, order)


def order_sync(order: VenueOrder, in_book: BookOrder) -> None:
    """Give an order the state that the book has."""
    if in_book.status is BookStatus.NEW:
        order.status = "New"
    elif in_book.status is BookStatus.PARTIALLY_FILLED:
        order.status = "PartiallyFilled"
    elif in_book.status is BookStatus.FILLED:
        order.status = "Filled"
    elif in_book.cancel_reason is CancelReason.BY_OWNER:
        order.end(cancelled_status(order), cancel_type="CancelByUser")
    else:
        assert in_book.cancel_reason is not None
        reason = _WHY[in_book.cancel_reason]
        if in_book.cancel_reason is CancelReason.NO_MORE_TO_TAKE and order.filled:
            reason = "EC_NoEnoughQtyToFill"
        order.end(cancelled_status(order), reason=reason)


def cancelled_status(order: VenueOrder) -> str:
    """Return the word for an end before all was filled: spot has one of its own."""
    if order.status == "Untriggered":
        return "Deactivated"
    return "PartiallyFilledCanceled" if order.filled and not order.is_linear else "Cancelled"


def order_withdraw(venue: Venue, order: VenueOrder, cancel_type: str) -> None:
    """End an open order, wherever it waits."""
    market = venue.market(order.instrument)
    status = cancelled_status(order)
    if order.status != "Untriggered":
        market.book.cancel(order.order_id)
        venue.touched_markets.add(order.instrument.key)
    order.end(status, cancel_type=cancel_type)
    venue.order_changed(order)


def house_trade(venue: Venue, market: Market, quote: Quote) -> None:
    """Let the market trade at a price: what it reaches fills, what waits for it wakes."""
    executions = market.house(quote)
    if not executions:
        _note(venue, market, price=quote.last, quantity=market.instrument.step, side="Buy")
    executions_apply(venue, market, executions)
    market.book.last = quote.last
    venue.touched_markets.add(market.instrument.key)
    after_trading(venue, market)


def after_trading(venue: Venue, market: Market) -> None:
    """Wake triggers until no more wake, and keep reduce-only orders within the position."""
    _reduce_only_trim(venue, market)
    trailing_follow(venue, market)
    while woken := market.triggers.reached(market):
        for trigger in woken:
            order = venue.open_orders.get(trigger.order_id)
            if order is not None and order.status == "Untriggered":
                _wake(venue, order)
        _reduce_only_trim(venue, market)


def _wake(venue: Venue, order: VenueOrder) -> None:
    sibling_end(venue, order)
    order.status = "Triggered"
    venue.order_changed(order)
    if is_affordable(venue, order):
        order_to_book(venue, order)
        return
    order.end("Cancelled", reason="EC_Others")
    venue.order_changed(order)


def _reduce_only_trim(venue: Venue, market: Market) -> None:
    if not market.instrument.is_linear:
        return
    for order in venue.orders_of(market.instrument):
        if not (order.reduce_only and order.is_open):
            continue
        room = closable(venue, order)
        if order.stop_order_type in PROTECTION_TYPES and order.status == "Untriggered":
            if not room:
                protection_clear(venue, order)
        elif order.status != "Untriggered" and room < order.leaves:
            if room:
                total = order.filled + room
                market.book.amend(order_id=order.order_id, quantity=total)
                order.quantity = order.entered = total
                venue.order_changed(order)
            else:
                order_withdraw(venue, order, "CancelByReduceOnly")


def closable(venue: Venue, order: VenueOrder) -> Decimal:
    """Return how much an order may close of its position."""
    position = venue.account.position(order.instrument, order.position_idx)
    against = (position.side, order.side) in (("Buy", "Sell"), ("Sell", "Buy"))
    return abs(position.size) if against else ZERO


def _quantity_now(venue: Venue, market: Market, order: VenueOrder) -> Decimal:
    if order.by_quote:
        wanted = market.book.quantity_for(side=order.book_side, notional=order.quantity)
        return wanted.quantize(order.instrument.step, ROUND_DOWN)
    if not order.reduce_only:
        return order.quantity
    room = closable(venue, order)
    order.quantity = min(order.quantity or room, room) or order.quantity
    return min(order.quantity, room)


def _book_price(market: Market, order: VenueOrder) -> Decimal | None:
    if order.order_type == "Limit":
        return order.price
    if order.slippage is None:
        return None
    kind, tolerance = order.slippage
    best = market.book.best(order.book_side.opposite) or market.last
    tick = market.instrument.tick
    away = tolerance * tick if kind == "TickSize" else best * tolerance / 100
    buys = order.book_side is Side.BUY
    price = best + away if buys else best - away
    return (price / tick).quantize(Decimal(1), ROUND_DOWN if buys else ROUND_UP) * tick


def _house_thin(market: Market, quantity: Decimal) -> None:
    """Leave only so much of what the house offers, until its next price."""
    quote = market.quote
    market.book.house_leave()
    if quantity > 0:
        market.book.house_quote(last=quote.last, bid=quote.bid, ask=quote.ask, quantity=quantity)


def _print(venue: Venue, market: Market, execution: Execution) -> None:
    taker = "Buy" if execution.taker.side is Side.BUY else "Sell"
    _note(venue, market, price=execution.price, quantity=execution.quantity, side=taker)


def _note(venue: Venue, market: Market, *, price: Decimal, quantity: Decimal, side: str) -> None:
    row = market.trade(
        trade_id=venue.next_id(market.instrument),
        at_ms=venue.now_ms(),
        price=price,
        quantity=quantity,
        side=side,
        seq=venue.sequence,
    )
    category = market.instrument.category
    venue.changes.append(Change(f"publicTrade:{category}", row))
