"""Compares our books with the broker's and returns every difference as a value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.core.money import ZERO, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What either side says of one working order.

    Attributes:
        status: PENDING_NEW, NEW or PARTIALLY_FILLED; what we ask for meanwhile is left out.
        limit_price, stop_price: Quote currency; None where the order has none.
    """

    client_order_id: str
    symbol: str
    side: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFacts:
    """What either side says of one execution."""

    trade_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One side of the comparison.

    Attributes:
        orders: Working orders by client order id.
        fills: Executions by order and trade id.
        positions: Signed units by symbol; what is missing is flat.
        cash: Amount by currency; what is missing is zero.
    """

    orders: Mapping[str, OrderFacts]
    fills: Mapping[str, FillFacts]
    positions: Mapping[str, Decimal]
    cash: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing on which the two sides do not agree.

    Attributes:
        kind: Value of ``Break.Kind``.
        key: What it is about; the same difference has the same key the next time.
        symbol: The instrument, or empty.
        client_order_id: The order, or empty.
        ours, theirs: Plain text by name; empty where a side knows nothing of it.
    """

    kind: str
    key: str
    symbol: str
    client_order_id: str
    ours: tuple[tuple[str, str], ...]
    theirs: tuple[tuple[str, str], ...]
    description: str


def books_differences(ours: Books, theirs: Books) -> list[Difference]:
    """Return every difference between the two sides, in a fixed order; none when they agree."""
    return [
        *_keyed(ours.orders, theirs.orders, _ORDER_KINDS, "order"),
        *_keyed(ours.fills, theirs.fills, _FILL_KINDS, "fill"),
        *_amounts(ours.positions, theirs.positions, "POSITION_DIFFERS", "position"),
        *_amounts(ours.cash, theirs.cash, "CASH_DIFFERS", "cash"),
    ]


_ORDER_KINDS = ("ORDER_MISSING_AT_BROKER", "ORDER_UNKNOWN_TO_DESK", "ORDER_DIFFERS")
_FILL_KINDS = ("FILL_MISSING_AT_BROKER", "FILL_UNKNOWN_TO_DESK", "FILL_DIFFERS")


def _keyed(
    ours: Mapping[str, OrderFacts] | Mapping[str, FillFacts],
    theirs: Mapping[str, OrderFacts] | Mapping[str, FillFacts],
    kinds: tuple[str, str, str],
    what: str,
) -> Iterable[Difference]:
    missing, unknown, differs = kinds
    for key in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(key), theirs.get(key)
        if mine == other:
            continue
        if other is None:
            kind, said = missing, "the desk has it, the broker does not"
        elif mine is None:
            kind, said = unknown, "the broker has it, the desk does not"
        else:
            kind, said = differs, _differing(mine, other)
        known = ours.get(key) or theirs[key]
        yield Difference(
            kind=kind,
            key=key,
            symbol=known.symbol,
            client_order_id=known.client_order_id,
            ours=_words(mine),
            theirs=_words(other),
            description=f"{what} {key} of {known.symbol}: {said}",
        )


def _differing(mine: OrderFacts | FillFacts, other: OrderFacts | FillFacts) -> str:
    ours, theirs = dict(_words(mine)), dict(_words(other))
    names = [name for name in ours if ours[name] != theirs.get(name)]
    return "; ".join(
        f"{name} is {ours[name]} at the desk and {theirs.get(name)} at the broker" for name in names
    )


def _words(facts: OrderFacts | FillFacts | None) -> tuple[tuple[str, str], ...]:
    if facts is None:
        return ()
    names = type(facts).__dataclass_fields__
    return tuple((name, _word(getattr(facts, name))) for name in names)


def _word(value: object) -> str:
    if value is None:
        return "none"
    return plain(value) if isinstance(value, Decimal) else str(value)


def _amounts(
    ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal], kind: str, what: str
) -> Iterable[Difference]:
    for key in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(key, ZERO), theirs.get(key, ZERO)
        if mine == other:
            continue
        yield Difference(
            kind=kind,
            key=key,
            symbol=key if what == "position" else "",
            client_order_id="",
            ours=((what, plain(mine)),),
            theirs=((what, plain(other)),),
            description=(
                f"{what} {key} is {plain(mine)} at the desk and {plain(other)} at the broker, "
                f"a difference of {plain(mine - other)}"
            ),
        )
