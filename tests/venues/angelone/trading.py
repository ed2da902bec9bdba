"""Operations on orders: received, entered, changed, cancelled, filled. None of them refuses."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.venues.angelone.market import Market
from tests.venues.angelone.order_terms import terms_read
from tests.venues.angelone.orders import AMO, Order, Status, Trade, unique_id
from tests.venues.angelone.portfolio import block
from tests.venues.angelone.replies import Row
from tests.venues.angelone.risk import refusal_of
from tests.venues.angelone.terms import INDIA
from tests.venues.angelone.venue import Ticked, Venue
from tests.venues.exchange import (
    BookRefusal,
    Execution,
    Outcome,
    Side,
    TimeInForce,
    Trigger,
)


def order_place(
    venue: Venue,
    at: datetime,
    /,
    *,
    asked: Row,
    refuses_with: str = "",
    first_part: int | None = None,
) -> Order:
    """Receive an order; the exchange gets it by ``order_enter``."""
    books = venue.books
    books.order_count += 1
    orderid = f"{at.astimezone(INDIA):%y%m%d}{books.order_count:09d}"
    order = Order(
        orderid=orderid,
        uniqueorderid=unique_id(orderid),
        number=books.order_count,
        instrument=venue.instruments[(asked["exchange"], str(asked["symboltoken"]))],
        terms=terms_read(asked),
        placed_at=at,
        updated_at=at,
        refuses_with=refuses_with,
        first_part=first_part,
    )
    if order.terms.variety == "AMO" or not venue.is_trading(at):
        order.status = Status.AMO_RECEIVED
    books.orders[orderid] = books.working[orderid] = order
    books.by_unique_id[order.uniqueorderid] = order
    venue.tell(order)
    return order


def order_enter(venue: Venue, at: datetime, /, *, orderid: str) -> None:
    """Let the risk system and the exchange have an order."""
    order = venue.books.orders.get(orderid)
    if order is None or order.is_entered or order.is_final or order.status in AMO:
        return
    if refused := refusal_of(venue, order):
        moved(venue, order, Status.REJECTED, at, text=refused)
        return
    order.is_entered = True
    moved(venue, order, Status.OPEN_PENDING, at)
    market = venue.market(order.instrument.key)
    if order.terms.is_stop:
        _trigger_wait(venue, market, order, at)
    else:
        _submit(venue, market, order, at)
    triggers_wake(venue, market, at)


def modification_ask(venue: Venue, at: datetime, /, *, orderid: str, asked: Row) -> None:
    """Take a change; the exchange gets it by ``modification_enter``."""
    order = venue.books.orders[orderid]
    order.change = asked
    is_waiting = order.status in AMO
    moved(venue, order, Status.AMO_MODIFIED if is_waiting else Status.MODIFY_PENDING, at)
    if is_waiting:
        _terms_take(order)


def modification_enter(
    venue: Venue, at: datetime, /, *, orderid: str, refuses_with: str = ""
) -> None:
    """Let the exchange have a change; an order that traded meanwhile stays as it is."""
    order = venue.books.orders.get(orderid)
    if order is None or order.is_final or not order.change:
        return
    market = venue.market(order.instrument.key)
    before, order.terms = order.terms, _changed(order)
    order.change = {}
    refused = refuses_with or ("" if order.terms.quantity > order.filled else "quantity is filled")
    if not order.is_entered or refused:
        order.terms = before
        moved(venue, order, Status.NOT_MODIFIED, at, text=refused or "not open")
        return
    moved(venue, order, Status.MODIFIED, at)
    if order.terms.is_stop and not order.is_triggered:
        _trigger_wait(venue, market, order, at)
    else:
        _amend(venue, market, order, at)
    triggers_wake(venue, market, at)


def cancellation_ask(venue: Venue, at: datetime, /, *, orderid: str) -> None:
    """Take a cancellation; the exchange gets it by ``cancellation_enter``."""
    order = venue.books.orders[orderid]
    if order.status in AMO:
        order.cancelled = order.leaves
        moved(venue, order, Status.AMO_CANCELLED, at)
    else:
        moved(venue, order, Status.CANCEL_PENDING, at)


def cancellation_enter(
    venue: Venue, at: datetime, /, *, orderid: str, refuses_with: str = ""
) -> None:
    """Let the exchange have a cancellation; an order that traded meanwhile stays complete."""
    order = venue.books.orders.get(orderid)
    if order is None or order.is_final:
        return
    if refuses_with:
        moved(venue, order, Status.NOT_CANCELLED, at, text=refuses_with)
    else:
        withdraw(venue, order, at)


def withdraw(venue: Venue, order: Order, at: datetime, *, text: str = "") -> None:
    """End an order, wherever it is."""
    market = venue.market(order.instrument.key)
    resting = market.book.orders.get(order.orderid)
    if resting is not None and resting.is_open:
        market.book.cancel(order.orderid)
    market.triggers.remove(order.orderid)
    order.cancelled = order.leaves
    is_waiting = order.status in AMO
    moved(venue, order, Status.AMO_CANCELLED if is_waiting else Status.CANCELLED, at, text=text)


def order_withdraw(venue: Venue, at: datetime, /, *, orderid: str, text: str) -> None:
    """End an order that nobody asked to end."""
    withdraw(venue, venue.books.orders[orderid], at, text=text)


def moved(
    venue: Venue, order: Order, status: Status, at: datetime, *, text: str | None = None
) -> None:
    """Give an order another status, and tell it."""
    order.status, order.updated_at = status, at
    order.text = order.text if text is None else text
    block(venue, order)
    if order.is_final:
        venue.books.working.pop(order.orderid, None)
    venue.tell(order)


def executions_take(
    venue: Venue, market: Market, executions: list[Execution], at: datetime
) -> None:
    """Book what was traded."""
    for execution in executions:
        quantity = int(execution.quantity)
        for each in execution.orders:
            order = venue.books.orders.get(each.order_id)
            if order is not None:
                _fill(venue, order, quantity, execution.price, at)
        market.seen(execution.price, quantity, at)
    if executions:
        venue.events.append(Ticked(market.instrument.key))


def triggers_wake(venue: Venue, market: Market, at: datetime) -> None:
    """Send the stops on that the last price reached, and those that their trades reach."""
    while woken := market.triggers.reached(market.last):
        for trigger in woken:
            order = venue.books.orders[trigger.order_id]
            order.is_triggered = True
            _submit(venue, market, order, at)


def _trigger_wait(venue: Venue, market: Market, order: Order, at: datetime) -> None:
    rises = order.terms.side is Side.BUY
    market.triggers.add(Trigger(order.orderid, order.terms.triggerprice, rises))
    moved(venue, order, Status.TRIGGER_PENDING, at)


def _submit(venue: Venue, market: Market, order: Order, at: datetime) -> None:
    moved(venue, order, Status.OPEN, at)
    if order.first_part is not None:
        quote: dict[str, Any] = {**market.quote, "quantity": Decimal(order.first_part), "levels": 1}
        executions_take(venue, market, market.book.house_quote(**quote), at)
    takes_at_once = order.terms.duration == "IOC" or order.terms.limit_price is None
    outcome = market.book.submit(
        order_id=order.orderid,
        owner=venue.settings.client_code,
        side=order.terms.side,
        quantity=Decimal(order.terms.quantity),
        limit_price=order.terms.limit_price,
        time_in_force=TimeInForce.IOC if takes_at_once else TimeInForce.GTC,
    )
    _outcome_take(venue, market, order, outcome, at)


def _amend(venue: Venue, market: Market, order: Order, at: datetime) -> None:
    try:
        outcome = market.book.amend(
            order_id=order.orderid,
            quantity=Decimal(order.terms.quantity),
            limit_price=order.terms.limit_price,
        )
    except BookRefusal as refusal:
        moved(venue, order, Status.NOT_MODIFIED, at, text=str(refusal))
        return
    moved(venue, order, Status.OPEN, at)
    _outcome_take(venue, market, order, outcome, at)


def _outcome_take(
    venue: Venue, market: Market, order: Order, outcome: Outcome, at: datetime
) -> None:
    executions_take(venue, market, outcome.executions, at)
    if outcome.order.cancel_reason is not None:
        order.cancelled = order.leaves
        text = "Your order was cancelled as the exchange couldn't find any counterparty"
        moved(venue, order, Status.CANCELLED, at, text=text)


def _fill(venue: Venue, order: Order, quantity: int, price: Decimal, at: datetime) -> None:
    venue.books.fill_count += 1
    trade = Trade(
        orderid=order.orderid,
        fillid=str(200_000_000 + venue.books.fill_count),
        instrument=order.instrument,
        producttype=order.terms.producttype,
        side=order.terms.side,
        quantity=quantity,
        price=price,
        at=at,
    )
    venue.books.trades.append(trade)
    venue.position(order.instrument, order.terms.producttype).trade(
        order.terms.side, quantity, price
    )
    order.filled += quantity
    order.notional += price * quantity
    is_pending = order.status in (Status.MODIFY_PENDING, Status.CANCEL_PENDING)
    done = Status.COMPLETE if not order.leaves else (order.status if is_pending else Status.OPEN)
    moved(venue, order, done, at)


def _terms_take(order: Order) -> None:
    order.terms, order.change = _changed(order), {}


def _changed(order: Order) -> Any:
    side, tag = order.terms.side, order.terms.tag
    return terms_read({**order.change, "transactiontype": side, "ordertag": tag})


def position_convert(venue: Venue, at: datetime, /, *, asked: Row) -> None:
    """Move units from one product to another at their average price."""
    instrument = venue.instruments[(asked["exchange"], str(asked["symboltoken"]))]
    before = venue.position(instrument, asked["oldproducttype"])
    side = Side.BUY if before.net > 0 else Side.SELL
    quantity, price = int(asked["quantity"]), before.entry_price
    before.trade(side, -quantity, price)
    venue.position(instrument, asked["newproducttype"]).trade(side, quantity, price)
