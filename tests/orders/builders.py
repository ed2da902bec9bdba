"""Plans of orders and reports on them, so that a test names only what matters to it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import FillReport, OrderReport, OrderRole, OrderType, Side
from apps.orders.models import Order
from apps.orders.services import (
    ExitPlan,
    OrderPlan,
    order_claim,
    order_create,
    order_report_record,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory

AT = datetime(2026, 1, 1, tzinfo=UTC)
STOP = ExitPlan(role=OrderRole.STOP_LOSS, distance_ratio=Decimal("0.01"))
TARGET = ExitPlan(role=OrderRole.TAKE_PROFIT, distance_ratio=Decimal("0.02"))


def a_plan(**changes: Any) -> OrderPlan:
    values: dict[str, Any] = {
        "key": "k",
        "decided_at": AT,
        "side": Side.BUY,
        "role": OrderRole.ENTRY,
        "order_type": OrderType.MARKET,
        "quantity": Decimal(2),
    }
    return OrderPlan(**{**values, **changes})


def an_order(
    *,
    account: TradingAccount | None = None,
    instrument: Instrument | None = None,
    **changes: Any,
) -> Order:
    """Create an order through the service, as INTENT."""
    return order_create(
        account=account or TradingAccountFactory(),
        instrument=instrument or InstrumentFactory(),
        plan=a_plan(**changes),
    )


def a_bracket(**changes: Any) -> Order:
    """Create an entry with a stop and a target."""
    return an_order(exits=(STOP, TARGET), **changes)


def accepted(order: Order) -> Order:
    """Bring an INTENT order to NEW, as sending it does."""
    assert order_claim(order=order, epoch=1)
    order_report_record(account=order.account, report=an_order_report(order, OrderStatus.NEW))
    order.refresh_from_db()
    return order


def an_order_report(order: Order, status: OrderStatus, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "venue_order_id": f"V{order.client_order_id}",
        "symbol": order.instrument.symbol,
        "side": Side(order.side),
        "quantity": order.quantity,
        "status": status,
        "filled_quantity": Decimal(0),
        "occurred_at": AT,
    }
    return OrderReport(**{**values, **changes})


def a_fill_report(order: Order, quantity: Decimal | int | str, **changes: Any) -> FillReport:
    values: dict[str, Any] = {
        "trade_id": "t1",
        "client_order_id": order.client_order_id,
        "venue_order_id": f"V{order.client_order_id}",
        "symbol": order.instrument.symbol,
        "side": Side(order.side),
        "quantity": Decimal(quantity),
        "price": Decimal(100),
        "commission": Decimal("0.06"),
        "commission_currency": "USDT",
        "executed_at": AT,
    }
    return FillReport(**{**values, **changes})
