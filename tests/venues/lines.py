"""Accounts at a venue on the wire, and what a desk asks of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.orders.domain.types import (
    OrderAmendment,
    OrderRequest,
    OrderType,
    Side,
)
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue

D = Decimal
SYMBOL = "BTCUSDT"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """An account of its own at the shared venue."""

    venue: LoopbackVenue
    gateway: LoopbackGateway

    def fault(self, fault: str, **rule: Any) -> None:
        self.venue.fault(fault, account=self.gateway.account.name, **rule)

    def count(self, kind: str, endpoint: str | None = None) -> int:
        """Return how many entries of a kind the venue wrote about this account."""
        entries = self.venue.journal().of_kind(kind)
        ours = (entry for entry in entries if entry["account"] == self.gateway.account.name)
        return sum(endpoint in (None, entry.get("endpoint")) for entry in ours)


def gateway_to(url: str, *, name: str = "desk-0", **options: Any) -> LoopbackGateway:
    account = TradingAccount(name=name, broker="BYBIT", mode="TEST", base_currency="USDT")
    return LoopbackGateway(account, base_url=url, **{"timeout_seconds": 5.0, **options})


def request(client_order_id: str = "A1", **changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "client_order_id": client_order_id,
        "symbol": SYMBOL,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "quantity": D(1),
        "as_of": AT,
    }
    return OrderRequest(**{**values, **changes})


def limit(client_order_id: str = "L1", price: str = "90", **changes: Any) -> OrderRequest:
    return request(client_order_id, order_type=OrderType.LIMIT, limit_price=D(price), **changes)


CALLS: dict[str, Callable[[LoopbackGateway], object]] = {
    "PLACE": lambda gateway: gateway.order_place(request()),
    "AMEND": lambda gateway: gateway.order_amend(
        OrderAmendment(client_order_id="L0", symbol=SYMBOL, quantity=D(2))
    ),
    "CANCEL": lambda gateway: gateway.order_cancel(client_order_id="L0", symbol=SYMBOL),
    "CANCEL_ALL": lambda gateway: gateway.order_cancel_all(),
    "FIND": lambda gateway: gateway.order_find(client_order_id="L0", symbol=SYMBOL),
    "OPEN": lambda gateway: gateway.order_list_open(),
    "REPORTS": lambda gateway: gateway.reports_since(""),
    "FILLS": lambda gateway: gateway.fill_list_since(""),
    "POSITIONS": lambda gateway: gateway.position_list(),
    "BALANCES": lambda gateway: gateway.balance_list(),
}
