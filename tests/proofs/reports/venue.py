"""A venue that says what a step wants, true or not: the reports of the proof."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderReport
from apps.orders.models import Order
from tests.orders.builders import a_fill_report, an_order_report
from tests.proofs.reports.reference import ReferenceOrder, decimal_of

D = Decimal
Report = OrderReport | FillReport
LEAST = D("0.0000000001")
UNTELLABLE = [OrderStatus(name) for name in ("INTENT", "SENDING", "UNKNOWN", "PENDING_CANCEL")] + [
    OrderStatus.PENDING_REPLACE
]

LIES: dict[str, tuple[str, dict[str, Any]]] = {
    "fill of nothing": ("fill", {"quantity": D(0)}),
    "fill below nothing": ("fill", {"quantity": D(-1)}),
    "fill of no number": ("fill", {"quantity": D("NaN")}),
    "fill that signals": ("fill", {"quantity": D("sNaN")}),
    "fill too fine": ("fill", {"quantity": D("1E-11")}),
    "fill too large": ("fill", {"quantity": D("1E20")}),
    "price of nothing": ("fill", {"price": D(0)}),
    "price below nothing": ("fill", {"price": D(-5)}),
    "price of no number": ("fill", {"price": D("NaN")}),
    "price that fits alone": ("fill", {"price": D("9E17")}),
    "commission without end": ("fill", {"commission": D("Infinity")}),
    "strange commission": ("fill", {"commission_currency": "BNB"}),
    "currency without end": ("fill", {"commission_currency": "U" * 60}),
    "no trade": ("fill", {"trade_id": ""}),
    "trade without end": ("fill", {"trade_id": "t" * 65}),
    "trade of no text": ("fill", {"trade_id": "t\0"}),
    "venue id without end": ("fill", {"venue_order_id": "V" * 65}),
    "fill of nobody": ("fill", {"client_order_id": "NOBODY"}),
    "fill of no text": ("fill", {"client_order_id": "NO\0BODY"}),
    "fill of another market": ("fill", {"symbol": "TEST:OTHER"}),
    "fill of the other side": ("fill", {"side": None}),
    "same trade, other terms": ("again", {}),
    "order of nothing": ("order", {"quantity": D(0)}),
    "order of no number": ("order", {"quantity": D("NaN")}),
    "order too large": ("order", {"quantity": D("1E20")}),
    "filled below nothing": ("order", {"filled_quantity": D(-1)}),
    "filled without end": ("order", {"filled_quantity": D("-Infinity")}),
    "order of nobody": ("order", {"client_order_id": "NOBODY"}),
    "order of another market": ("order", {"symbol": "TEST:OTHER"}),
    "order of the other side": ("order", {"side": None}),
    "order id without end": ("order", {"venue_order_id": "V" * 65}),
    "words of no text": ("order", {"text": "no\0", "status": OrderStatus.CANCELED}),
}
"""Reports that cannot be true; a side of None is the one that the order does not have."""


def quantity_of(size: int) -> Decimal:
    """Return a whole number of units, or thirds with all ten places."""
    return D(size) if size % 3 else D(size // 3) + D("0.3333333333")


def price_of(price: int) -> Decimal:
    """Return a small whole price, which often meets another, or one with all ten places."""
    return D(1 + price % 4) if price % 2 else (D(price) ** 3 / 7).quantize(LEAST)


def report_of(
    *, kind: str, size: int, price: int, row: Order, order: ReferenceOrder, trade_id: str
) -> Report:
    """Return a report on an order.

    Args:
        row: The product's order; only what never changes is read.
        order: The model's, by which a fill is sized.
        trade_id: A new one.
    """
    if kind in ("PART", "LAST", "OVER"):
        return _fill(kind, size, price, row, order, trade_id)
    if kind in LIES:
        return _lie(kind, size, price, row, order, trade_id)
    if kind == "UNTELLABLE":
        return _shown(row, order, UNTELLABLE[size % len(UNTELLABLE)])
    if kind == "AMENDED":
        status = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)[size % 2]
        return _shown(row, order, status, asked=order.asked)
    return _shown(row, order, OrderStatus(kind))


def _shown(
    row: Order,
    order: ReferenceOrder,
    status: OrderStatus,
    *,
    asked: dict[str, Fraction] | None = None,
) -> OrderReport:
    terms = {"quantity": order.quantity, "limit_price": order.limit_price, **(asked or {})}
    return an_order_report(
        row, status, **{name: decimal_of(value) for name, value in terms.items()}
    )


def _fill(
    kind: str, size: int, price: int, row: Order, order: ReferenceOrder, trade_id: str
) -> FillReport:
    left = decimal_of(order.most - order.filled)
    part = (left * size / 13).quantize(LEAST, rounding=ROUND_DOWN)
    quantity = {"PART": part, "LAST": left, "OVER": left + size}[kind]
    commission = (D(1), D(0), D("-0.0000000003"), D("0.0599999999"))[(size + price) % 4]
    return a_fill_report(
        row,
        max(quantity, LEAST),
        trade_id=trade_id,
        price=price_of(price),
        commission=commission,
    )


def _lie(
    kind: str, size: int, price: int, row: Order, order: ReferenceOrder, trade_id: str
) -> Report:
    about, changes = LIES[kind]
    fill = _fill("PART", size, price, row, order, trade_id)
    if about == "again":
        return _contradiction(fill, order)
    true: Report = fill if about == "fill" else _shown(row, order, OrderStatus.NEW)
    if "side" in changes:
        changes = {"side": true.side.opposite}
    return replace(true, **changes)


def _contradiction(fill: FillReport, order: ReferenceOrder) -> FillReport:
    """Return a fill under the id of an earlier one, where there is one."""
    for trade_id, (quantity, _) in order.fills.items():
        return replace(fill, trade_id=trade_id, quantity=decimal_of(quantity) + 1)
    return fill
