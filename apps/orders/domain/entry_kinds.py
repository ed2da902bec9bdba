"""The kinds of order that a person chooses from, and the ticket that each makes of a form.

A percentage is what people write and a ratio what the desk reckons with; both are turned here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import plain
from apps.orders.domain.groups import GroupKind
from apps.orders.domain.tickets import Objection, OrderTicket
from apps.orders.domain.types import OrderType, Side, TimeInForce

_RATIOS = {
    "trail_percent": "trail_ratio",
    "stop_percent": "stop_ratio",
    "target_percent": "target_ratio",
}
_PERCENTS = {ratio: percent for percent, ratio in _RATIOS.items()}
_DISTANCES = ("trail_amount", "trail_percent")
_COMMON = ("account", "instrument", "side", "quantity", "time_in_force", "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryKind:
    """One kind of order as it is offered.

    Attributes:
        name: What a form sends.
        hint: What it does, in a sentence.
        needed: Fields that must be filled in, beside account, instrument, side and quantity.
        offered: Fields that may be.
        alternatives: Pairs of fields of which at most one may be filled in.
        order_type, group: What it is to the desk; one of them.
    """

    name: str
    label: str
    hint: str
    needed: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, str], ...] = ()
    order_type: OrderType = OrderType.MARKET
    group: GroupKind | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that belong to this kind alone or to some kinds."""
        return (*self.needed, *self.offered)


ENTRY_KINDS: tuple[EntryKind, ...] = (
    EntryKind(
        name="MARKET",
        label="Market",
        hint="At once, at what the market asks. A maximum slippage bounds the price.",
        offered=("maximum_slippage_bps", "reduce_only"),
    ),
    EntryKind(
        name="LIMIT",
        label="Limit",
        hint="At the limit price or better, or not at all.",
        needed=("limit_price",),
        offered=("post_only", "reduce_only"),
        order_type=OrderType.LIMIT,
    ),
    EntryKind(
        name="STOP",
        label="Stop",
        hint="A market order once the market trades at the trigger or worse: a buy waits above "
        "the market, a sell below it.",
        needed=("stop_price",),
        offered=("reduce_only",),
        order_type=OrderType.STOP,
    ),
    EntryKind(
        name="STOP_LIMIT",
        label="Stop-limit",
        hint="A limit order once the market trades at the trigger or worse; it may stay unfilled "
        "if the market runs past the limit.",
        needed=("stop_price", "limit_price"),
        offered=("reduce_only",),
        order_type=OrderType.STOP_LIMIT,
    ),
    EntryKind(
        name="TAKE_PROFIT",
        label="Take-profit",
        hint="A market order once the market trades at the trigger or better: a sell waits above "
        "the market, a buy below it.",
        needed=("stop_price",),
        offered=("reduce_only",),
        order_type=OrderType.TAKE_PROFIT,
    ),
    EntryKind(
        name="TRAILING_AMOUNT",
        label="Trailing stop, by amount",
        hint="A stop that follows the best price at a fixed distance, and never goes back.",
        needed=("trail_amount",),
        offered=("reduce_only",),
        order_type=OrderType.TRAILING_STOP,
    ),
    EntryKind(
        name="TRAILING_PERCENT",
        label="Trailing stop, by percent",
        hint="A stop that follows the best price at a distance in per cent, and never goes back.",
        needed=("trail_percent",),
        offered=("reduce_only",),
        order_type=OrderType.TRAILING_STOP,
    ),
    EntryKind(
        name="OCO",
        label="OCO: target and stop",
        hint="Two exits of a position that you hold: a limit order that takes the profit and a "
        "stop that ends the loss. What one fills, the other loses.",
        needed=("limit_price", "stop_price"),
        offered=("stop_limit_price", "reduce_only"),
        group=GroupKind.OCO,
    ),
    EntryKind(
        name="BRACKET",
        label="Bracket: entry, stop, target",
        hint="An entry with its stop, and a target if you like; both are sized to what of the "
        "entry has filled.",
        offered=(
            *("entry_limit_price", "stop_price", "stop_percent"),
            *("target_price", "target_percent", "maximum_slippage_bps"),
        ),
        alternatives=(
            ("stop_price", "stop_percent"),
            ("target_price", "target_percent"),
            ("entry_limit_price", "maximum_slippage_bps"),
        ),
        group=GroupKind.BRACKET,
    ),
    EntryKind(
        name="ICEBERG",
        label="Iceberg",
        hint="A limit order of which the market sees one slice at a time.",
        needed=("limit_price", "display_quantity"),
        group=GroupKind.ICEBERG,
    ),
    EntryKind(
        name="TWAP",
        label="TWAP",
        hint="The quantity in even slices over time; nothing is made up for in a burst.",
        needed=("slices", "interval_seconds"),
        offered=("starts_at", "worst_price"),
        group=GroupKind.TWAP,
    ),
)
_BY_NAME = {kind.name: kind for kind in ENTRY_KINDS}
_SETTINGS = {"worst_price": "limit_price"}
"""Fields of managed orders that the desk calls otherwise."""


def entry_kind(name: str) -> EntryKind:
    """Return the kind of that name.

    Raises:
        KeyError: There is none.
    """
    return _BY_NAME[name]


def entry_objections(
    kind: EntryKind, values: Mapping[str, Any], labels: Mapping[str, str]
) -> Iterator[Objection]:
    """Object to what is missing or there twice; whether the numbers are right is asked later.

    Args:
        values: By field; None where nothing is filled in.
        labels: What people call each field.
    """
    for name in kind.needed:
        if values.get(name) is None:
            yield Objection(name, f"{_named(kind)} needs its {labels[name].lower()}.")
    for first, second in kind.alternatives:
        if values.get(first) is not None and values.get(second) is not None:
            yield Objection(second, f"Give this or {labels[first].lower()}, not both.")
    if kind.group is GroupKind.BRACKET and not _has_stop(values):
        yield Objection("stop_price", "A bracket needs a stop, as a price or in per cent.")


def ticket_of(kind: EntryKind, values: Mapping[str, Any], *, as_of: datetime) -> OrderTicket:
    """Return the ticket that a filled-in form asks for; fields of other kinds are left out.

    Args:
        values: Checked values by field; None where nothing is filled in.
        as_of: Market time (UTC), from which a TWAP starts that names no other.
    """
    time_in_force = TimeInForce(values["time_in_force"])
    common: dict[str, Any] = {
        "side": Side(values["side"]),
        "quantity": values["quantity"],
        "time_in_force": time_in_force,
        "expires_at": values.get("expires_at") if time_in_force is TimeInForce.GTD else None,
    }
    terms = {
        _RATIOS.get(name, name): values[name] / 100 if name in _RATIOS else values[name]
        for name in kind.fields
        if values.get(name) is not None
    }
    if kind.group is None:
        return OrderTicket(**common, order_type=kind.order_type, **terms)
    if kind.group is GroupKind.TWAP:
        terms.setdefault("starts_at", as_of)
    if kind.group is GroupKind.BRACKET:
        terms["entry_time_in_force"] = time_in_force
        common["maximum_slippage_bps"] = terms.pop("maximum_slippage_bps", None)
    settings = {_SETTINGS.get(name, name): _plain_json(value) for name, value in terms.items()}
    return OrderTicket(**common, group=kind.group, group_settings=settings)


def field_of(kind: EntryKind, objection: Objection) -> str | None:
    """Return the field that an objection is about, or None: the whole ticket."""
    name = objection.field.removeprefix("group_settings.")
    for field in (name, _PERCENTS.get(name, name), *_renamed(name)):
        if field in _COMMON or field in kind.fields:
            return field
    return None


def _renamed(name: str) -> tuple[str, ...]:
    others = tuple(field for field, setting in _SETTINGS.items() if setting == name)
    return (*others, *_DISTANCES) if name in ("trail_amount", "trail_ratio") else others


def _has_stop(values: Mapping[str, Any]) -> bool:
    return any(values.get(name) is not None for name in ("stop_price", "stop_percent"))


def _named(kind: EntryKind) -> str:
    word = kind.label.partition(":")[0].partition(",")[0]
    article = "An" if word[0] in "AEIO" else "A"
    name = word if word.isupper() else word.lower()
    return f"{article} {name} order" if kind.group is None else f"{article} {name}"


def _plain_json(value: Any) -> str | int | bool:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        return value
    return str(value)
