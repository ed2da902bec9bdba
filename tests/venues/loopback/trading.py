"""What happens in the book: orders are taken, meet the market, change and end."""

import heapq
import random
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from tests.venues.loopback.book import Account, Market, VenueOrder, plain, ten_places
from tests.venues.loopback.faults import Fault
from tests.venues.loopback.fields import Refusal
from tests.venues.loopback.matching import crosses, executions, reducible, trigger_is_touched
from tests.venues.loopback.recording import Recorder
from tests.venues.loopback.state import terms_event
from tests.venues.loopback.terms import (
    IMMEDIATE,
    LIMITED,
    Deduplication,
    OrderTerms,
    Status,
    TimeInForce,
    expiry_check,
    numbers_check,
    order_refuse_unsupported,
)


def order_place(recorder: Recorder, account: Account, terms: OrderTerms) -> VenueOrder:
    """Take an order and let it meet the market.

    Raises:
        Refusal: The venue does not take it; nothing is kept.
    """
    state = recorder.state
    known = account.by_client_id.get(terms.client_order_id)
    if known and state.settings.deduplication is Deduplication.RETURN:
        return known[0]
    if known and state.settings.deduplication is Deduplication.REFUSE:
        raise Refusal(
            f"client order id {terms.client_order_id} was used before",
            code="DUPLICATE_ID",
            status=409,
        )
    _terms_check(recorder, terms)
    is_rejected_later = recorder.faults.book(Fault.REJECT_LATER, account.name)
    number = f"V{state.orders + 1:09d}"
    recorder.emit(
        "accepted",
        account=account.name,
        venue_order_id=number,
        client_order_id=terms.client_order_id,
        terms=terms_event(terms),
        status=Status.PENDING_NEW if is_rejected_later else Status.NEW,
        at=recorder.now().isoformat(),
    )
    order = account.orders[number]
    recorder.publish(account.name, order.wire())
    if not is_rejected_later:
        order_meet(recorder, order, arrives=True)
    return order


def _terms_check(recorder: Recorder, terms: OrderTerms) -> None:
    state = recorder.state
    if state.settings.strict_symbols and terms.symbol not in state.instruments:
        raise Refusal(f"{terms.symbol} is not traded here", code="SYMBOL")
    order_refuse_unsupported(terms, state.settings)
    numbers_check(
        state.rules(terms.symbol),
        order_type=terms.order_type,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
    )
    expiry_check(terms, now=recorder.now())
    market = state.markets.get(terms.symbol)
    if market is None or not state.settings.refuses_crossed_stops:
        return
    if trigger_is_touched(terms, stop_price=terms.stop_price, last=market.last):
        raise Refusal(f"the price {market.last} has passed the trigger", code="CROSSED_STOP")


def order_meet(recorder: Recorder, order: VenueOrder, *, arrives: bool) -> None:
    """Let a working order meet the market as it stands.

    Args:
        arrives: It is new to the book at this price, and takes liquidity; else it rested.
    """
    market = recorder.state.markets.get(order.terms.symbol)
    if order.waits_for_trigger:
        stop_price = order.stop_price
        if market is None or not trigger_is_touched(
            order.terms, stop_price=stop_price, last=market.last
        ):
            return
        recorder.order_event("triggered", order, text="triggered")
        arrives = True
    if order.terms.post_only and arrives and market is not None and crosses(order, market):
        order_end(recorder, order, Status.CANCELED, text="post-only, and would take liquidity")
        return
    if market is not None:
        _execute(recorder, order, market, is_maker=_is_maker(order, arrives=arrives))
    if order.is_working and _ends_at_once(recorder, order):
        order_end(recorder, order, Status.CANCELED, text="the rest found nothing to fill against")


def _is_maker(order: VenueOrder, *, arrives: bool) -> bool:
    return not arrives and order.terms.order_type in LIMITED


def _ends_at_once(recorder: Recorder, order: VenueOrder) -> bool:
    if order.terms.time_in_force in IMMEDIATE:
        return True
    return order.bound is None and recorder.state.settings.cancels_market_rest


def _execute(recorder: Recorder, order: VenueOrder, market: Market, *, is_maker: bool) -> None:
    account = recorder.state.accounts[order.account]
    wanted = order.leaves
    if order.terms.reduce_only:
        held = account.units_held(order.terms.symbol)
        wanted = min(wanted, reducible(held=held, side=order.terms.side))
        if wanted == 0 and crosses(order, market):
            order_end(recorder, order, Status.CANCELED, text="there is nothing to reduce")
            return
    found = executions(order, market, wanted=wanted, taken=account.taken, is_maker=is_maker)
    total = sum((execution.quantity for execution in found), Decimal(0))
    if order.terms.time_in_force is TimeInForce.FOK and total < order.leaves:
        return
    for execution in found:
        recorder.fill(
            order,
            quantity=execution.quantity,
            price=execution.price,
            commission=_commission(
                recorder,
                order,
                quantity=execution.quantity,
                price=execution.price,
                is_maker=is_maker,
            ),
            level=execution.level,
        )
    if order.is_working and order.terms.reduce_only and 0 < total == wanted:
        order_end(recorder, order, Status.CANCELED, text="there is nothing left to reduce")


def _commission(
    recorder: Recorder, order: VenueOrder, *, quantity: Decimal, price: Decimal, is_maker: bool
) -> Decimal:
    settings = recorder.state.settings
    bps = settings.maker_fee_bps if is_maker else settings.taker_fee_bps
    multiplier = recorder.state.rules(order.terms.symbol).multiplier
    notional = Fraction(quantity) * Fraction(price) * Fraction(multiplier)
    return ten_places(notional * Fraction(bps) / 10_000)


def order_end(recorder: Recorder, order: VenueOrder, status: Status, *, text: str) -> None:
    """End a working order."""
    recorder.order_event("closed", order, status=status, text=text)


def order_amend(
    recorder: Recorder, account: Account, client_order_id: str, changes: dict[str, Decimal]
) -> VenueOrder:
    """Change terms of a working order and let it meet the market again.

    Raises:
        Refusal: The venue does not amend, the order is not open, or the terms are not possible;
            the order stays as it was.
    """
    if not recorder.state.settings.amends:
        raise Refusal("orders are not amended here: cancel and place", code="AMEND")
    order = order_known(account, client_order_id)[-1]
    if not order.is_working:
        raise Refusal(f"order {client_order_id} is {order.status}", code="NOT_OPEN")
    quantity = changes.get("quantity", order.quantity)
    numbers_check(
        recorder.state.rules(order.terms.symbol),
        order_type=order.terms.order_type,
        quantity=quantity,
        limit_price=changes.get("limit_price", order.limit_price),
        stop_price=changes.get("stop_price", order.stop_price),
    )
    if quantity <= order.filled_quantity:
        raise Refusal(
            f"quantity {quantity} is not above the {order.filled_quantity} filled", code="QUANTITY"
        )
    wire = {name: plain(value) for name, value in changes.items()}
    recorder.order_event("amended", order, changes=wire, text="amended")
    order_meet(recorder, order, arrives=True)
    return order


def order_known(account: Account, client_order_id: str) -> list[VenueOrder]:
    """Return the account's orders with a client order id, oldest first.

    Raises:
        Refusal: There is none.
    """
    known = account.by_client_id.get(client_order_id)
    if not known:
        raise Refusal(f"order {client_order_id} does not exist", code="NOT_FOUND", status=404)
    return known


def order_cancel(recorder: Recorder, account: Account, client_order_id: str) -> dict[str, object]:
    """Cancel what works under a client order id; return where the last of it stands.

    Raises:
        Refusal: There is no such order.
    """
    known = order_known(account, client_order_id)
    is_crossed = known[-1].is_working and recorder.faults.book(Fault.CROSS_FILL, account.name)
    for order in known:
        if order.is_working:
            order_end(recorder, order, Status.CANCELED, text="canceled on request")
    answer = known[-1].wire()
    if is_crossed:
        _fill_the_rest(recorder, known[-1])
    return answer


def _fill_the_rest(recorder: Recorder, order: VenueOrder) -> None:
    market = recorder.state.markets.get(order.terms.symbol)
    price = order.limit_price or order.stop_price
    if price is None and market is not None:
        price = market.last
    if price is not None:
        order_execute(recorder, order, quantity=order.leaves, price=price)


def order_execute(
    recorder: Recorder, order: VenueOrder, *, quantity: Decimal, price: Decimal
) -> None:
    """Execute an order whatever the market, its state and its quantity say."""
    commission = _commission(recorder, order, quantity=quantity, price=price, is_maker=False)
    recorder.fill(order, quantity=quantity, price=price, commission=commission, level=None)


def order_cancel_all(recorder: Recorder, account: Account, symbol: str | None) -> list[VenueOrder]:
    """Cancel working orders, in one batch that may leave some out; return which."""
    settings = recorder.state.settings
    chosen = [o for o in account.working.values() if symbol in (None, o.terms.symbol)]
    recorder.emit("cancel_all", account=account.name)
    if settings.cancel_all_batch is not None and len(chosen) > settings.cancel_all_batch:
        draws = random.Random(f"{settings.seed}:{recorder.state.cancel_alls}")
        chosen = draws.sample(chosen, settings.cancel_all_batch)
    for order in chosen:
        order_end(recorder, order, Status.CANCELED, text="canceled with all")
    return chosen


def orders_meet_price(recorder: Recorder, symbol: str) -> None:
    """Let every working order of a symbol meet a new price, oldest first."""
    for order in list(_working(recorder, symbol)):
        if order.is_working and order.status is not Status.PENDING_NEW:
            order_meet(recorder, order, arrives=False)


def orders_reject_pending(recorder: Recorder) -> None:
    """End what was acknowledged only to be rejected in a report."""
    for order in list(_working(recorder, None)):
        if order.status is Status.PENDING_NEW:
            order_end(recorder, order, Status.REJECTED, text="RISK: the margin does not suffice")


def orders_expire(recorder: Recorder) -> None:
    """End the orders whose date has come."""
    state = recorder.state
    while state.expiring and state.expiring[0][0] <= recorder.now():
        _, account, number = heapq.heappop(state.expiring)
        order = state.accounts[account].orders[number]
        if order.is_working:
            order_end(recorder, order, Status.EXPIRED, text="the date has come")


def orders_end_session(recorder: Recorder) -> int:
    """End every order for the day; return how many those were."""
    ended = [
        order
        for order in list(_working(recorder, None))
        if order.terms.time_in_force is TimeInForce.DAY
    ]
    for order in ended:
        order_end(recorder, order, Status.EXPIRED, text="the session has ended")
    return len(ended)


def _working(recorder: Recorder, symbol: str | None) -> Iterator[VenueOrder]:
    for account in recorder.state.accounts.values():
        for order in account.working.values():
            if symbol in (None, order.terms.symbol):
                yield order
