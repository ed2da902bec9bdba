"""Bars and orders at the paper venue, so that a test names only what matters to it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.brokers.paper.gateway import PaperGateway
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    AttachedExit,
    FillReport,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderType,
    Side,
)

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


def a_bar(
    number: int,
    open_: str = "100",
    high: str = "100",
    low: str = "100",
    close: str = "100",
    volume: str = "1000",
) -> Bar:
    opened = START + number * STEP
    return Bar(
        open_at=opened,
        close_at=opened + STEP,
        open=D(open_),
        high=D(high),
        low=D(low),
        close=D(close),
        volume=D(volume),
    )


def request(instrument: Instrument, key: str = "A1", **changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "client_order_id": key,
        "symbol": instrument.symbol,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "quantity": D(1),
        "as_of": START,
    }
    return OrderRequest(**{**values, **changes})


def bracket(instrument: Instrument, **changes: Any) -> OrderRequest:
    exits = (
        AttachedExit(client_order_id="SL", role=OrderRole.STOP_LOSS, distance_ratio=D("0.01")),
        AttachedExit(client_order_id="TP", role=OrderRole.TAKE_PROFIT, distance_ratio=D("0.02")),
    )
    return request(instrument, attached=exits, **changes)


def found_order(gateway: PaperGateway, instrument: Instrument, key: str) -> OrderReport:
    found = gateway.order_find(client_order_id=key, symbol=instrument.symbol)
    assert found is not None
    return found


def status_of(gateway: PaperGateway, instrument: Instrument, key: str) -> OrderStatus:
    return found_order(gateway, instrument, key).status


def fills(gateway: PaperGateway) -> list[FillReport]:
    return gateway.fill_list_since("")[0]
