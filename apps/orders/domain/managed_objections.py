"""What is wrong with the settings of a managed order, setting by setting."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from apps.core.money import plain
from apps.orders.domain.groups import (
    BracketSettings,
    GroupKind,
    GroupSettings,
    IcebergSettings,
    OcoSettings,
    TwapSettings,
    group_faults,
    group_setting_names,
    group_settings,
)
from apps.orders.domain.steps import price_objections, steps_around
from apps.orders.domain.tickets import Objection, OrderTicket, TradingRules
from apps.orders.domain.types import TimeInForce

SLICED = frozenset({GroupKind.ICEBERG, GroupKind.TWAP})
"""What is sent in parts, so that the bound of one order holds for a part."""

_ASKED_FOR = (GroupKind.OCO, GroupKind.BRACKET, GroupKind.ICEBERG, GroupKind.TWAP)


def managed_objections(ticket: OrderTicket, rules: TradingRules) -> Iterator[Objection]:
    """Object to what a managed order cannot be, beside what is wrong with any ticket."""
    if ticket.group is None:
        if ticket.group_settings:
            yield Objection("group_settings", "Only a managed order has settings; leave them out.")
        return
    if ticket.group not in _ASKED_FOR:
        known = ", ".join(kind.value for kind in _ASKED_FOR)
        yield Objection("group", f"A managed order is one of {known}; name an order type instead.")
        return
    yield from _terms(ticket)
    values = dict(ticket.group_settings or {})
    faults = group_faults(ticket.group, values)
    for name, said in faults:
        yield Objection(_field(name), _sentence(ticket.group, said))
    if not faults:
        settings = group_settings(ticket.group, values)
        yield from _prices(settings, rules)
        yield from _RULES[type(settings)](settings, ticket, rules)


def _sentence(group: GroupKind, said: str) -> str:
    if said == "Field required":
        return "It is missing and has no default."
    if said.startswith("Extra inputs"):
        return f"It has no such setting; it has {', '.join(group_setting_names(group))}."
    return f"{said[0].upper()}{said[1:]}."


def _terms(ticket: OrderTicket) -> Iterator[Objection]:
    if ticket.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        yield Objection("time_in_force", "A managed order works GTC, DAY or GTD.")
    if ticket.reduce_only:
        where = "set it in its settings" if ticket.group is GroupKind.OCO else "leave it out"
        yield Objection("reduce_only", f"A managed order has no such flag of its own; {where}.")


def _prices(settings: GroupSettings, rules: TradingRules) -> Iterator[Objection]:
    for name in type(settings).model_fields:
        price = getattr(settings, name)
        if name.endswith("_price") and price is not None:
            yield from price_objections(_field(name), price, rules)


def _oco(settings: OcoSettings, ticket: OrderTicket, _rules: TradingRules) -> Iterator[Objection]:
    sign = ticket.side.sign
    if sign * (settings.stop_price - settings.limit_price) <= 0:
        yield _beyond(
            "stop_price", settings.stop_price, sign, f"limit price {plain(settings.limit_price)}"
        )


def _bracket(
    settings: BracketSettings, ticket: OrderTicket, rules: TradingRules
) -> Iterator[Objection]:
    if settings.entry_maximum_slippage_bps is not None:
        yield Objection(
            _field("entry_maximum_slippage_bps"),
            "The desk sets it; give the order itself a maximum_slippage_bps instead.",
        )
    sign = ticket.side.sign
    entry = settings.entry_limit_price or rules.reference_price
    if settings.stop_price is not None and sign * (entry - settings.stop_price) <= 0:
        yield _beyond("stop_price", settings.stop_price, -sign, f"entry {plain(entry)}")
    if settings.target_price is not None and sign * (settings.target_price - entry) <= 0:
        yield _beyond("target_price", settings.target_price, sign, f"entry {plain(entry)}")


def _beyond(name: str, price: Decimal, sign: int, what: str) -> Objection:
    word, side = name.removesuffix("_price"), "above" if sign > 0 else "below"
    return Objection(_field(name), f"The {word} {plain(price)} must lie {side} the {what}.")


def _iceberg(
    settings: IcebergSettings, ticket: OrderTicket, rules: TradingRules
) -> Iterator[Objection]:
    shown, field = settings.display_quantity, _field("display_quantity")
    if shown % rules.lot_size != 0:
        yield Objection(
            field,
            f"{plain(shown)} is not a multiple of the lot size {plain(rules.lot_size)}; "
            f"{steps_around(shown, rules.lot_size)}.",
        )
    if shown > ticket.quantity:
        yield Objection(field, f"It shows more than the whole order of {plain(ticket.quantity)}.")
    yield from _slice_bound(field, shown, rules)


def _twap(settings: TwapSettings, ticket: OrderTicket, rules: TradingRules) -> Iterator[Objection]:
    lots = ticket.quantity / rules.lot_size
    if settings.slices > lots:
        yield Objection(
            _field("slices"),
            f"{plain(ticket.quantity)} are {plain(lots)} lots; they cannot be cut into "
            f"{settings.slices} slices.",
        )
    ends_at = settings.starts_at + settings.slices * settings.interval
    if ends_at <= rules.as_of:
        yield Objection(
            _field("starts_at"), f"The last slice would have ended {ends_at:%Y-%m-%d %H:%M} UTC."
        )
    yield from _slice_bound(_field("slices"), ticket.quantity / settings.slices, rules)


def _slice_bound(field: str, quantity: Decimal, rules: TradingRules) -> Iterator[Objection]:
    if rules.maximum_quantity is not None and quantity > rules.maximum_quantity:
        yield Objection(
            field,
            f"One order of {rules.symbol} takes at most {plain(rules.maximum_quantity)} units "
            f"(freeze quantity); a slice would have {plain(quantity)}.",
        )


def _field(name: str) -> str:
    return f"group_settings.{name}" if name else "group_settings"


_RULES: dict[type[GroupSettings], Callable[..., Iterator[Objection]]] = {
    OcoSettings: _oco,
    BracketSettings: _bracket,
    IcebergSettings: _iceberg,
    TwapSettings: _twap,
}
