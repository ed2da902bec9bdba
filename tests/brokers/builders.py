"""Bars and orders at the paper venue, so that a test names only what matters to it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperPosition
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import market_play
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


class Market:
    """One instrument's bars, played one after the other on one account."""

    def __init__(self, account: TradingAccount, instrument: Instrument) -> None:
        self.account = account
        self.instrument = instrument

    def play(self, bar: Bar) -> bool:
        return market_play(account=self.account, instrument=self.instrument, bar=bar)

    def cap(self, ratio: str) -> None:
        PaperBook.objects.filter(account=self.account).update(volume_cap_ratio=D(ratio))

    def slip(self, bps: str) -> None:
        PaperBook.objects.filter(account=self.account).update(slippage_bps=D(bps))

    def held(self) -> Decimal:
        quantities = PaperPosition.objects.values_list("quantity", flat=True)
        return quantities.first() or D(0)


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


def prices(gateway: PaperGateway) -> list[Decimal]:
    return [fill.price for fill in fills(gateway)]
