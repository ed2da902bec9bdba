"""Reads of what a deployment's trades have come to."""

from decimal import Decimal
from typing import Any

from apps.core.money import ZERO
from apps.orders.domain.types import Side
from apps.orders.models import Fill
from apps.positions.domain.trades import TradeFill, edge_of, trades_from_fills
from apps.positions.models import Position
from apps.risk.domain.sizing import Edge
from apps.strategies.models import Deployment

EDGE_FILLS = 2000
"""The newest fills that an edge is read from: its cost does not grow with the history."""

_COLUMNS = (
    *("order__instrument__symbol", "executed_at", "side", "quantity", "price"),
    *("order__instrument__multiplier", "commission", "order__role"),
)


def deployment_edge(*, deployment: Deployment, fills: int = EDGE_FILLS) -> Edge:
    """Return what the deployment's own closed trades have shown.

    Args:
        fills: How many of its newest fills are looked at. A trade that began before them is left
            out.
    """
    rows = (
        Fill.objects.filter(order__deployment=deployment)
        .order_by("-pk")
        .values_list(*_COLUMNS)[:fills]
    )
    newest = [_trade_fill(row) for row in reversed(rows)]
    if len(newest) == fills:
        newest = _from_flat(newest, _held(deployment))
    return edge_of(trades_from_fills(newest))


def _held(deployment: Deployment) -> dict[str, Decimal]:
    positions = Position.objects.filter(deployment=deployment)
    return dict(positions.values_list("instrument__symbol", "quantity"))


def _from_flat(fills: list[TradeFill], held: dict[str, Decimal]) -> list[TradeFill]:
    """Drop what belongs to trades that began earlier, of each instrument until it is flat."""
    before = dict(held)
    for fill in fills:
        before[fill.symbol] = before.get(fill.symbol, ZERO) - fill.signed_quantity
    kept: list[TradeFill] = []
    for fill in fills:
        if before[fill.symbol] == 0:
            kept.append(fill)
        else:
            before[fill.symbol] += fill.signed_quantity
    return kept


def _trade_fill(row: tuple[Any, ...]) -> TradeFill:
    symbol, executed_at, side, quantity, price, multiplier, commission, role = row
    return TradeFill(
        symbol=symbol,
        executed_at=executed_at,
        signed_quantity=Side(side).sign * quantity,
        price=price,
        multiplier=multiplier,
        commission=commission,
        role=role,
    )
