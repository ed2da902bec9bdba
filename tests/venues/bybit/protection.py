"""Take profit, stop loss and trailing stop: children that close what an order opened."""

from dataclasses import replace
from decimal import Decimal

from tests.venues.bybit.instruments import Instrument
from tests.venues.bybit.market import Market
from tests.venues.bybit.orders import TpSl, VenueOrder
from tests.venues.bybit.venue import Venue
from tests.venues.exchange import Trigger

PROTECTION_TYPES = frozenset(
    {"TakeProfit", "StopLoss", "PartialTakeProfit", "PartialStopLoss", "TrailingStop"}
)
FULL_TYPES = ("TakeProfit", "StopLoss")
_OCO = {
    "TakeProfit": "CancelByOCOSlCanceledByTpTriggered",
    "StopLoss": "CancelByOCOTpCanceledBySlTriggered",
}


def trigger_wait(market: Market, order: VenueOrder) -> None:
    """Let a conditional order wait for its price; spot's direction follows from the market."""
    assert order.trigger_price is not None
    directed = order.trigger_direction != 0
    current = market.price_of(order.trigger_by)
    rises = order.trigger_direction == 1 if directed else order.trigger_price > current
    market.triggers.add(Trigger(order.order_id, order.trigger_price, rises), by=order.trigger_by)


def protection_follow(venue: Venue, order: VenueOrder) -> None:
    """Let the children be as large as what they protect, after a fill of ``order``."""
    if not order.is_linear:
        if order.tpsl and order.status == "Filled":
            _pair_place(venue, order, order.tpsl, quantity=order.filled, parent=order.link_id)
        return
    position = venue.account.position(order.instrument, order.position_idx)
    if not position.size:
        clear_all(venue, order)
        return
    kinds = tuple(PROTECTION_TYPES)
    held = _children(venue, order.instrument.symbol, order.position_idx, kinds)
    if any(child.side == position.side for child in held):  # the position turned
        clear_all(venue, order)
    if order.tpsl and order.tpsl.mode == "Partial":
        parent = order.link_id or order.order_id
        _pair_place(venue, order, order.tpsl, quantity=order.filled, parent=parent)
    elif order.tpsl:
        position.tpsl = order.tpsl
    if position.tpsl:
        full_place(venue, order.instrument.symbol, order.position_idx, order)


def full_place(venue: Venue, symbol: str, idx: int, like: VenueOrder | None = None) -> None:
    """Make the pair over the whole position agree with its take profit and stop loss."""
    listed = venue.listing.get("linear", symbol)
    position = venue.account.position(listed, idx)
    there = {o.stop_order_type: o for o in _children(venue, symbol, idx, FULL_TYPES)}
    wanted = {"TakeProfit": position.tpsl.take_profit, "StopLoss": position.tpsl.stop_loss}
    for kind, price in wanted.items():
        child = there.get(kind)
        if child and child.trigger_price == price:
            if child.quantity != abs(position.size):
                child.quantity = abs(position.size)
                venue.order_changed(child)
            continue
        if child:
            end_child(venue, child, "CancelByUser")
            del there[kind]
        if price:
            parent = like.link_id if like else ""
            there[kind] = _child(
                venue,
                listed,
                kind,
                price,
                idx=idx,
                long=position.size > 0,
                quantity=abs(position.size),
                parent=parent,
                tpsl=position.tpsl,
            )
    _tie(list(there.values()))


def partial_place(venue: Venue, symbol: str, idx: int, tpsl: TpSl, quantity: Decimal) -> None:
    """Add a pair over a part of the position."""
    listed = venue.listing.get("linear", symbol)
    long = venue.account.position(listed, idx).size > 0
    made = [
        _child(
            venue,
            listed,
            f"Partial{kind}",
            price,
            idx=idx,
            long=long,
            quantity=quantity,
            parent="",
            tpsl=tpsl,
        )
        for kind, price in (("TakeProfit", tpsl.take_profit), ("StopLoss", tpsl.stop_loss))
        if price
    ]
    _tie(made)


def trailing_place(venue: Venue, symbol: str, idx: int, distance: Decimal | None) -> None:
    """Set or take away a stop that follows the market at a distance."""
    listed = venue.listing.get("linear", symbol)
    position = venue.account.position(listed, idx)
    for child in _children(venue, symbol, idx, ("TrailingStop",)):
        end_child(venue, child, "CancelByUser")
    position.trailing = distance
    if distance:
        long = position.size > 0
        last = venue.market(listed).last
        price = last - distance if long else last + distance
        _child(
            venue,
            listed,
            "TrailingStop",
            price,
            idx=idx,
            long=long,
            quantity=abs(position.size),
            parent="",
            tpsl=TpSl(),
        )


def trailing_follow(venue: Venue, market: Market) -> None:
    """Move trailing stops behind the market; never back."""
    for order in venue.orders_of(market.instrument):
        if order.stop_order_type != "TrailingStop" or order.status != "Untriggered":
            continue
        position = venue.account.position(order.instrument, order.position_idx)
        assert order.trigger_price is not None
        distance = position.trailing or Decimal(0)
        if order.side == "Sell":
            moved = max(order.trigger_price, market.last - distance)
        else:
            moved = min(order.trigger_price, market.last + distance)
        if moved != order.trigger_price:
            order.trigger_price = moved
            trigger_wait(market, order)


def sibling_end(venue: Venue, triggered: VenueOrder) -> None:
    """End the other of a pair when one is triggered."""
    other = venue.open_orders.get(triggered.sibling)
    if other is not None and other.status == "Untriggered":
        kind = triggered.stop_order_type.removeprefix("Partial")
        end_child(venue, other, _OCO.get(kind, "CancelByUser"))


def protection_clear(venue: Venue, order: VenueOrder) -> None:
    """End a child that has nothing left to close."""
    end_child(venue, order, "CancelByTpSlTsClear")


def clear_all(venue: Venue, like: VenueOrder) -> None:
    """End all that protected a position which is flat now."""
    symbol, idx = like.instrument.symbol, like.position_idx
    for child in _children(venue, symbol, idx, tuple(PROTECTION_TYPES)):
        protection_clear(venue, child)
    position = venue.account.position(like.instrument, idx)
    position.tpsl, position.trailing = TpSl(), None


def end_child(venue: Venue, child: VenueOrder, cancel_type: str) -> None:
    """End a child before it was triggered."""
    child.end("Deactivated", cancel_type=cancel_type)
    venue.order_changed(child)


def _children(venue: Venue, symbol: str, idx: int, kinds: tuple[str, ...]) -> list[VenueOrder]:
    return [
        order
        for order in venue.orders_of(venue.listing.get("linear", symbol))
        if order.stop_order_type in kinds
        and order.position_idx == idx
        and order.status == "Untriggered"
    ]


def _pair_place(
    venue: Venue, like: VenueOrder, tpsl: TpSl, *, quantity: Decimal, parent: str
) -> None:
    """Make, or let grow, the pair that belongs to one order."""
    listed = like.instrument
    kinds = ("PartialTakeProfit", "PartialStopLoss") if like.is_linear else ("tpslOrder",) * 2
    there = [
        order
        for order in venue.orders_of(listed)
        if order.parent_link == parent and order.stop_order_type in kinds
    ]
    for child in there:
        child.quantity = quantity
        venue.order_changed(child)
    if there:
        return
    made = [
        _child(
            venue,
            listed,
            kind,
            price,
            idx=like.position_idx,
            long=like.side == "Buy",
            quantity=quantity,
            parent=parent,
            tpsl=tpsl,
            is_profit=is_profit,
        )
        for kind, price, is_profit in (
            (kinds[0], tpsl.take_profit, True),
            (kinds[1], tpsl.stop_loss, False),
        )
        if price
    ]
    _tie(made)


def _tie(children: list[VenueOrder]) -> None:
    if len(children) == 2:
        first, second = children
        first.sibling, second.sibling = second.order_id, first.order_id


def _child(
    venue: Venue,
    listed: Instrument,
    kind: str,
    price: Decimal,
    *,
    idx: int,
    long: bool,
    quantity: Decimal,
    parent: str,
    tpsl: TpSl,
    is_profit: bool | None = None,
) -> VenueOrder:
    profit = kind.endswith("TakeProfit") if is_profit is None else is_profit
    limit = tpsl.take_profit_limit if profit else tpsl.stop_loss_limit
    by_limit = (tpsl.take_profit_type if profit else tpsl.stop_loss_type) == "Limit"
    child = VenueOrder(
        instrument=listed,
        order_id=venue.next_id(listed),
        link_id="",
        side="Sell" if long else "Buy",
        order_type="Limit" if by_limit else "Market",
        quantity=quantity,
        price=limit if by_limit else None,
        time_in_force="GTC" if by_limit else "IOC",
        created_ms=venue.now_ms(),
        position_idx=idx,
        reduce_only=listed.is_linear,
        close_on_trigger=listed.is_linear,
        trigger_price=price,
        trigger_direction=1 if profit == long else 2,
        trigger_by=(tpsl.take_profit_by if profit else tpsl.stop_loss_by),
        order_filter="StopOrder" if listed.is_linear else "tpslOrder",
        stop_order_type=kind,
        create_type="CreateByTakeProfit" if profit else "CreateByStopLoss",
        tpsl=replace(TpSl(), mode=tpsl.mode),
        status="Untriggered",
        parent_link=parent,
        last_on_created=venue.market(listed).last,
        market_unit="" if listed.is_linear or by_limit else "baseCoin",
    )
    venue.orders[child.order_id] = venue.open_orders[child.order_id] = child
    trigger_wait(venue.market(listed), child)
    venue.order_changed(child)
    return child
