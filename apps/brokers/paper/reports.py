"""Turns the paper venue's rows into the reports that the port carries."""

from decimal import Decimal

from apps.brokers.models import PaperOrder, PaperReport
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, Side

S = OrderStatus


def order_report(order: PaperOrder) -> OrderReport:
    """Tell where an order stands now."""
    return OrderReport(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        quantity=order.quantity,
        status=S(order.status),
        filled_quantity=order.filled_quantity,
        occurred_at=order.updated_at,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
    )


def row_report(row: PaperReport) -> OrderReport:
    """Tell where an order stood when the row was written."""
    return OrderReport(
        client_order_id=row.order.client_order_id,
        venue_order_id=row.order.venue_order_id,
        symbol=row.order.instrument.symbol,
        side=Side(row.order.side),
        quantity=row.order_quantity,
        status=S(row.status),
        filled_quantity=row.filled_quantity,
        occurred_at=row.occurred_at,
        limit_price=row.limit_price,
        stop_price=row.stop_price,
        text=row.text,
    )


def fill_report(row: PaperReport) -> FillReport:
    """Tell of an execution."""
    return FillReport(
        trade_id=row.trade_id,
        client_order_id=row.order.client_order_id,
        venue_order_id=row.order.venue_order_id,
        symbol=row.order.instrument.symbol,
        side=Side(row.order.side),
        quantity=row.fill_quantity or Decimal(0),
        price=row.fill_price or Decimal(0),
        commission=row.commission or Decimal(0),
        commission_currency=row.book.currency,
        executed_at=row.occurred_at,
    )
