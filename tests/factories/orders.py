"""Rows of apps.orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from apps.core.ids import client_order_id
from apps.orders.models import (
    Fill,
    InstrumentFreeze,
    Order,
    OrderEvent,
    OrderGroup,
    OrderQuote,
)
from tests.factories.accounts import TradingAccountFactory
from tests.factories.base import RowFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.risk import RiskDecisionFactory

START = datetime(2024, 1, 1, tzinfo=UTC)


class OrderFactory(RowFactory[Order]):
    """An order by hand; ``SignalOrderFactory`` makes one that a strategy asked for."""

    class Meta:
        model = Order

    account = factory.SubFactory(TradingAccountFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    role = "ENTRY"
    client_order_id = factory.Sequence(
        lambda n: client_order_id(at=START + n * timedelta(seconds=1), key=str(n))
    )
    side = "BUY"
    order_type = "MARKET"
    quantity = Decimal(1)
    decided_at = factory.Sequence(lambda n: START + n * timedelta(seconds=1))


class SignalOrderFactory(OrderFactory):
    """An order with its deployment, signal and risk decision."""

    risk_decision = factory.SubFactory(RiskDecisionFactory)
    signal = factory.SelfAttribute("risk_decision.signal")
    deployment = factory.SelfAttribute("risk_decision.deployment")
    account = factory.SelfAttribute("risk_decision.account")
    instrument = factory.SelfAttribute("risk_decision.instrument")


class OrderEventFactory(RowFactory[OrderEvent]):
    class Meta:
        model = OrderEvent

    order = factory.SubFactory(OrderFactory)
    sequence = factory.Sequence(lambda n: n + 1)
    kind = "order.created"
    status_after = "INTENT"
    occurred_at = factory.SelfAttribute("order.decided_at")


class FillFactory(RowFactory[Fill]):
    class Meta:
        model = Fill

    order = factory.SubFactory(
        OrderFactory,
        status="FILLED",
        filled_quantity=Decimal(1),
        average_fill_price=Decimal(100),
    )
    trade_id = factory.Sequence(lambda n: f"trade-{n}")
    side = factory.SelfAttribute("order.side")
    quantity = factory.SelfAttribute("order.quantity")
    price = Decimal(100)
    commission = Decimal("0.06")
    commission_currency = "USDT"
    executed_at = factory.SelfAttribute("order.decided_at")


class InstrumentFreezeFactory(RowFactory[InstrumentFreeze]):
    class Meta:
        model = InstrumentFreeze

    order = factory.SubFactory(OrderFactory, status="UNKNOWN")
    account = factory.SelfAttribute("order.account")
    instrument = factory.SelfAttribute("order.instrument")
    reason = "the outcome of the order is not known"


class OrderGroupFactory(RowFactory[OrderGroup]):
    class Meta:
        model = OrderGroup

    account = factory.SubFactory(TradingAccountFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    client_group_id = factory.Sequence(
        lambda n: client_order_id(at=START + n * timedelta(seconds=1), key=f"group-{n}")
    )
    kind = "OCO"
    side = "SELL"
    quantity = Decimal(1)
    settings = {"limit_price": "110", "stop_price": "90"}
    decided_at = factory.Sequence(lambda n: START + n * timedelta(seconds=1))


class OrderQuoteFactory(RowFactory[OrderQuote]):
    class Meta:
        model = OrderQuote

    order = factory.SubFactory(OrderFactory)
    moment = "DECISION"
    bid = Decimal("99.9")
    ask = Decimal("100.1")
    last = Decimal(100)
    source = "BAR"
    quoted_at = factory.SelfAttribute("order.decided_at")
