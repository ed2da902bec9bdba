"""What is wrong with a ticket, in sentences that a trader understands."""

from collections.abc import Iterator

from apps.core.money import plain
from apps.orders.domain.managed_objections import SLICED, managed_objections
from apps.orders.domain.steps import price_objections, steps_around
from apps.orders.domain.tickets import Objection, OrderTicket, TradingRules
from apps.orders.domain.types import OrderType, TimeInForce


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
        *managed_objections(ticket, rules),
    ]


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
            f"{steps_around(quantity, rules.lot_size)}.",
        )
    most = None if ticket.group in SLICED else rules.maximum_quantity
    if most is not None and quantity > most:
        yield Objection(
            "quantity",
            f"One order of {rules.symbol} takes at most {plain(most)} units "
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
    kind = (ticket.group or ticket.order_type).lower().replace("_", " ")
    for field, price, is_needed in needed:
        word = field.replace("_", " ")
        if price is None:
            if is_needed:
                yield Objection(field, f"A {kind} order needs a {word}.")
        elif not is_needed:
            where = "leave it out" if is_plain else "its prices are in its settings"
            yield Objection(field, f"{_article(kind)} {kind} order takes no {word}; {where}.")
        else:
            yield from price_objections(field, price, rules)


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
    if not ticket.is_at_market:
        yield Objection(
            "maximum_slippage_bps",
            "A maximum slippage goes with a market order, or a bracket that enters at market; "
            "others have a price.",
        )
    elif not bound.is_finite() or not 0 <= bound < 10_000:
        yield Objection("maximum_slippage_bps", f"It must be 0 to 9999 basis points, was {bound}.")


def _article(word: str) -> str:
    return "An" if word[0] in "aeiou" else "A"
