"""Asks Angel One what orders would tie up and what they would cost, before they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from apps.brokers.angelone.client import AngelOneClient
from apps.brokers.angelone.fields import Garbled, Row, number_of, row_of, rows_of, text_of
from apps.brokers.angelone.library import Connection
from apps.brokers.angelone.listings import Listed
from apps.brokers.angelone.words import SIDES
from apps.core.money import plain
from apps.orders.domain.ports import OutcomeUnknown, Rejected
from apps.orders.domain.types import Side

MOST_POSITIONS = 50
_DEEPEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """An order that is only thought of: units, rupees, and Angel One's word for the product."""

    there: Listed
    side: Side
    quantity: Decimal
    price: Decimal
    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargesEstimate:
    """What orders would cost, in rupees.

    Attributes:
        lines: Name and amount of each charge, the sums left out.
    """

    total: Decimal
    trade_value: Decimal
    lines: tuple[tuple[str, Decimal], ...]


def margin_estimate(*, client: AngelOneClient, legs: Sequence[Leg]) -> Decimal:
    """Return the margin that orders would need together, in rupees.

    Raises:
        Rejected: There are none, or more than one request takes.
        BrokerError: Angel One could not be asked.
    """
    _count_require(legs)
    asked = [
        {
            "exchange": leg.there.exchange,
            "qty": int(leg.quantity),
            "price": float(leg.price),
            "productType": leg.product,
            "token": leg.there.symbol_token,
            "tradeType": SIDES[leg.side],
            "orderType": "LIMIT",
        }
        for leg in legs
    ]
    data = client.read(partial(_margin_ask, asked))
    try:
        return number_of(row_of(data, "margin"), "totalMarginRequired")
    except Garbled as garbled:
        raise OutcomeUnknown(f"the margin cannot be read: {garbled}") from None


def charges_estimate(*, client: AngelOneClient, legs: Sequence[Leg]) -> ChargesEstimate:
    """Return what orders would cost.

    Raises:
        Rejected: There are none, or more than one request takes.
        BrokerError: Angel One could not be asked.
    """
    _count_require(legs)
    asked = [
        {
            "product_type": leg.product,
            "transaction_type": SIDES[leg.side],
            "quantity": plain(leg.quantity),
            "price": plain(leg.price),
            "exchange": leg.there.exchange,
            "symbol_name": leg.there.trading_symbol,
            "token": leg.there.symbol_token,
        }
        for leg in legs
    ]
    data = client.read(partial(_charges_ask, asked))
    try:
        summary = row_of(row_of(data, "charges").get("summary"), "sum of the charges")
        return ChargesEstimate(
            total=number_of(summary, "total_charges"),
            trade_value=number_of(summary, "trade_value"),
            lines=tuple(_lines(rows_of(summary.get("breakup"), "charges"), depth=0)),
        )
    except Garbled as garbled:
        raise OutcomeUnknown(f"the charges cannot be read: {garbled}") from None


def _lines(rows: Sequence[Row], *, depth: int) -> list[tuple[str, Decimal]]:
    """Return the charges that are no sums of others."""
    if depth > _DEEPEST:
        raise Garbled("the charges do not end")
    lines: list[tuple[str, Decimal]] = []
    for row in rows:
        parts = rows_of(row.get("breakup"), "charges")
        if parts:
            lines += _lines(parts, depth=depth + 1)
        else:
            lines.append((text_of(row, "name"), number_of(row, "amount")))
    return lines


def _margin_ask(asked: list[dict[str, Any]], connection: Connection) -> Any:
    return connection.getMarginApi({"positions": asked})


def _charges_ask(asked: list[dict[str, Any]], connection: Connection) -> Any:
    return connection.estimateCharges({"orders": asked})


def _count_require(legs: Sequence[Leg]) -> None:
    if not 1 <= len(legs) <= MOST_POSITIONS:
        raise Rejected(
            f"{len(legs)} orders cannot be estimated; 1 to {MOST_POSITIONS} can", code="COUNT"
        )
