"""An order as a person or a client asks for it, and what is wrong with it, in plain sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.core.money import plain
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.types import BrokerCapabilities, OrderType, Side, TimeInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTicket:
    """What is asked for.

    Attributes:
        order_type: An order type, unless ``group`` names a managed order.
        group: OCO, BRACKET, ICEBERG or TWAP; its own settings are in ``group_settings``.
        quantity: Units.
        limit_price, stop_price: Quote currency, by order type.
        trail_amount, trail_ratio: Distance of a trailing stop, one of them.
        expires_at: End of a GTD order (UTC).
        maximum_slippage_bps: A market order becomes a limit order at the worst price this allows.
    """

    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    group: GroupKind | None = None
    group_settings: dict[str, str | int | bool] | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_ratio: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    maximum_slippage_bps: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRules:
    """What an instrument takes.

    Attributes:
        maximum_quantity: Most units of one order; None: no bound.
        lower_price_band, upper_price_band: Prices that are taken today; None: no band.
        session_is_open, session_note: Whether the market trades at ``as_of``.
    """

    symbol: str
    is_tradable: bool
    tick_size: Decimal
    lot_size: Decimal
    minimum_notional: Decimal
    multiplier: Decimal
    maximum_quantity: Decimal | None
    lower_price_band: Decimal | None
    upper_price_band: Decimal | None
    session_is_open: bool
    session_note: str
    as_of: datetime
    reference_price: Decimal


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with one field of a ticket, and what would be right."""

    field: str
    sentence: str


def ticket_objections(ticket: OrderTicket, rules: TradingRules) -> list[Objection]:
    """Return everything that is wrong with a ticket; an empty list means that it can be asked.

    Whether the account may do it is for the risk gate to say.
    """
    return [
        *_instrument(rules),
        *_quantity(ticket, rules),
        *_prices(ticket, rules),
        *_trail(ticket),
        *_time(ticket, rules),
        *_flags(ticket),
    ]


def managed_kind(ticket: OrderTicket, capabilities: BrokerCapabilities) -> GroupKind | None:
    """Return how the desk has to manage the order, or None: the venue takes it as it is."""
    if ticket.group is not None:
        return ticket.group
    if ticket.order_type in capabilities.order_types:
        return None
    rests = OrderType.STOP in capabilities.order_types and capabilities.amends
    if ticket.order_type is OrderType.TRAILING_STOP and rests:
        return GroupKind.TRAILING_STOP
    return GroupKind.HELD


def managed_settings(ticket: OrderTicket, kind: GroupKind) -> dict[str, str | int | bool]:
    """Return the settings of the managed order that stands for a ticket, as plain JSON."""
    if ticket.group is not None:
        return dict(ticket.group_settings or {})
    trail = {"trail_amount": ticket.trail_amount, "trail_ratio": ticket.trail_ratio}
    asked = dict(trail)
    if kind is GroupKind.HELD:
        is_touch = ticket.order_type is OrderType.TAKE_PROFIT
        asked |= {
            "touch_price" if is_touch else "stop_price": ticket.stop_price,
            "limit_price": ticket.limit_price,
        }
    prices = {name: plain(value) for name, value in asked.items() if value is not None}
    return {**prices, "reduce_only": ticket.reduce_only}


def _instrument(rules: TradingRules) -> Iterator[Objection]:
    if not rules.is_tradable:
        yield Objection("instrument", f"{rules.symbol} can be watched, but not traded.")
    if not rules.session_is_open:
        note = f" ({rules.session_note})" if rules.session_note else ""
        yield Objection("instrument", f"The market of {rules.symbol} is closed{note}.")


def _quantity(ticket: OrderTicket, rules: TradingRules) -> Iterator[Objection]:
    quantity = ticket.quantity
    if not quantity.is_finite() or quantity <= 0:
        yield Objection("quantity", f"The quantity must be positive, was {quantity}.")
        return
    if quantity % rules.lot_size != 0:
        yield Objection(
            "quantity",
            f"{plain(quantity)} is not a multiple of the lot size {plain(rules.lot_size)}; "
            f"nearest are {_around(quantity, rules.lot_size)}.",
        )
    if rules.maximum_quantity is not None and quantity > rules.maximum_quantity:
        yield Objection(
            "quantity",
            f"One order of {rules.symbol} takes at most {plain(rules.maximum_quantity)} units "
            f"(freeze quantity), this one has {plain(quantity)}; split it, or ask for an iceberg.",
        )
    price = ticket.limit_price or ticket.stop_price or rules.reference_price
    if not price.is_finite() or price <= 0 or ticket.reduce_only:
        return
    notional = quantity * price * rules.multiplier
    if notional < rules.minimum_notional:
        yield Objection(
            "quantity",
            f"The order is worth {plain(notional)}, less than the venue's minimum of "
            f"{plain(rules.minimum_notional)}; ask for more.",
        )


def _prices(ticket: OrderTicket, rules: TradingRules) -> Iterator[Objection]:
    is_plain = ticket.group is None
    needed = (
        ("limit_price", ticket.limit_price, is_plain and ticket.order_type.needs_limit_price),
        ("stop_price", ticket.stop_price, is_plain and ticket.order_type.needs_stop_price),
    )
    kind = ticket.order_type.lower().replace("_", " ")
    for field, price, is_needed in needed:
        word = field.replace("_", " ")
        if price is None:
            if is_needed:
                yield Objection(field, f"A {kind} order needs a {word}.")
        elif not is_needed:
            yield Objection(field, f"A {kind} order takes no {word}; leave it out.")
        else:
            yield from _price(field, price, rules)


def _price(field: str, price: Decimal, rules: TradingRules) -> Iterator[Objection]:
    if not price.is_finite() or price <= 0:
        yield Objection(field, f"A price must be positive, was {price}.")
        return
    if price % rules.tick_size != 0:
        yield Objection(
            field,
            f"{plain(price)} is not a multiple of the tick size {plain(rules.tick_size)}; "
            f"nearest are {_around(price, rules.tick_size)}.",
        )
    low, high = rules.lower_price_band, rules.upper_price_band
    if (low is not None and price < low) or (high is not None and price > high):
        yield Objection(
            field,
            f"{plain(price)} lies outside today's price band of {rules.symbol}, "
            f"{plain(low) if low is not None else 'open'} to "
            f"{plain(high) if high is not None else 'open'}.",
        )


def _trail(ticket: OrderTicket) -> Iterator[Objection]:
    given = [value for value in (ticket.trail_amount, ticket.trail_ratio) if value is not None]
    if ticket.group is not None or ticket.order_type is not OrderType.TRAILING_STOP:
        if given:
            yield Objection("trail_amount", "Only a trailing stop takes a distance; leave it out.")
        return
    if len(given) != 1:
        yield Objection(
            "trail_amount", "A trailing stop needs its distance, as an amount or as a ratio."
        )
    elif not given[0].is_finite() or given[0] <= 0:
        yield Objection("trail_amount", f"The distance must be positive, was {given[0]}.")
    elif ticket.trail_ratio is not None and ticket.trail_ratio >= 1:
        yield Objection("trail_ratio", "A ratio lies between 0 and 1; 0.01 is one per cent.")


def _time(ticket: OrderTicket, rules: TradingRules) -> Iterator[Objection]:
    is_dated = ticket.time_in_force is TimeInForce.GTD
    if is_dated and ticket.expires_at is None:
        yield Objection("expires_at", "A good-till-date order needs its date and time.")
    if not is_dated and ticket.expires_at is not None:
        yield Objection("expires_at", "Only a good-till-date order takes an end; leave it out.")
    if is_dated and ticket.expires_at is not None and ticket.expires_at <= rules.as_of:
        yield Objection(
            "expires_at", f"The end {ticket.expires_at:%Y-%m-%d %H:%M} UTC has passed already."
        )


def _flags(ticket: OrderTicket) -> Iterator[Objection]:
    is_limit = ticket.group is None and ticket.order_type is OrderType.LIMIT
    at_once = ticket.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    if ticket.post_only and (not is_limit or at_once):
        yield Objection(
            "post_only", "Post-only goes with a limit order that may rest, not with IOC or FOK."
        )
    bound = ticket.maximum_slippage_bps
    if bound is None:
        return
    if ticket.group is not None or ticket.order_type is not OrderType.MARKET:
        yield Objection(
            "maximum_slippage_bps",
            "A maximum slippage goes with a market order; others have a price.",
        )
    elif not bound.is_finite() or not 0 <= bound < 10_000:
        yield Objection("maximum_slippage_bps", f"It must be 0 to 9999 basis points, was {bound}.")


def _around(value: Decimal, step: Decimal) -> str:
    below = value // step * step
    above = below + step
    return f"{plain(below)} and {plain(above)}" if below > 0 else plain(above)
