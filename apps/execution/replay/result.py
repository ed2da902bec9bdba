"""What a replay came to, in plain values that print and compare."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import plain
from apps.execution.models import DeploymentCursor
from apps.marketdata.models import Instrument
from apps.orders.domain.types import Side
from apps.orders.models import Fill, Order
from apps.positions.domain.trades import Trade, TradeFill, trades_from_fills
from apps.positions.models import LedgerEntry, Position
from apps.positions.selectors import account_equity, ledger_unbalanced
from apps.reconciliation.models import Break, ReconciliationRun
from apps.strategies.models import Deployment, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Counts, trades and the state of the books.

    Attributes:
        final_equity: Quote currency, open position at the last close.
        ledger_balanced: Every transaction sums to zero and positions follow from the fills.
        fingerprint: SHA-256 over orders, fills, positions and ledger; equal for equal replays.
    """

    bars: int
    signals: int
    orders: int
    fills: int
    breaks: int
    reconciliation: str
    trades: tuple[Trade, ...]
    final_equity: Decimal
    currency: str
    ledger_balanced: bool
    seconds: float
    fingerprint: str

    @property
    def bars_per_second(self) -> float:
        """Speed, the start of the workers included."""
        return self.bars / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; amounts as exact text."""
        return {
            "bars": self.bars,
            "signals": self.signals,
            "orders": self.orders,
            "fills": self.fills,
            "breaks": self.breaks,
            "reconciliation": self.reconciliation,
            "ledger_balanced": self.ledger_balanced,
            "final_equity": plain(self.final_equity),
            "currency": self.currency,
            "seconds": round(self.seconds, 3),
            "bars_per_second": round(self.bars_per_second, 1),
            "fingerprint": self.fingerprint,
            "trades": [trade_as_json(trade) for trade in self.trades],
        }


def trade_as_json(trade: Trade) -> dict[str, Any]:
    """Return a trade as plain JSON values."""
    return {
        **{name: _value_as_json(getattr(trade, name)) for name in type(trade).__dataclass_fields__},
        "symbol": trade.symbol.split("~")[0],
        "net_pnl": plain(trade.net_pnl),
    }


def trade_fills(*, deployment: Deployment) -> list[TradeFill]:
    """Return the deployment's fills as they were executed, for its trades."""
    fills = Fill.objects.filter(order__deployment=deployment).select_related("order__instrument")
    return [
        TradeFill(
            symbol=fill.order.instrument.symbol,
            executed_at=fill.executed_at,
            signed_quantity=Side(fill.side).sign * fill.quantity,
            price=fill.price,
            multiplier=fill.order.instrument.multiplier,
            commission=fill.commission,
            role=fill.order.role,
        )
        for fill in fills.order_by("pk")
    ]


def result_collect(
    *,
    deployment: Deployment,
    instrument: Instrument,
    last_close: Decimal,
    seconds: float,
    run: ReconciliationRun,
) -> ReplayResult:
    """Read what a replay has left in the books."""
    account = deployment.account
    return ReplayResult(
        bars=DeploymentCursor.objects.get(deployment=deployment).bars_seen,
        signals=Signal.objects.filter(deployment=deployment).count(),
        orders=Order.objects.filter(account=account).count(),
        fills=Fill.objects.filter(order__account=account).count(),
        breaks=Break.objects.filter(account=account).count(),
        reconciliation=run.result,
        trades=tuple(trades_from_fills(trade_fills(deployment=deployment))),
        final_equity=account_equity(account=account, prices={instrument.pk: last_close}),
        currency=account.base_currency,
        ledger_balanced=not ledger_unbalanced(account=account),
        seconds=seconds,
        fingerprint=books_fingerprint(deployment=deployment),
    )


def books_fingerprint(*, deployment: Deployment) -> str:
    """Hash every order, fill, position and ledger entry of the deployment's account.

    Database ids, machine times and lease epochs are left out: they differ from run to run.
    """
    account = deployment.account
    rows: list[tuple[Any, ...]] = [
        *Order.objects.filter(account=account)
        .order_by("client_order_id")
        .values_list(
            *("client_order_id", "role", "side", "order_type", "quantity", "limit_price"),
            *("stop_price", "status", "filled_quantity", "average_fill_price", "decided_at"),
            *("closed_at", "parent__client_order_id"),
        ),
        *Fill.objects.filter(order__account=account)
        .order_by("order__client_order_id", "trade_id")
        .values_list(
            *("order__client_order_id", "trade_id", "side", "quantity", "price"),
            *("commission", "executed_at"),
        ),
        *Position.objects.filter(account=account)
        .order_by("pk")
        .values_list("quantity", "average_entry_price", "realized_pnl", "commission"),
        *LedgerEntry.objects.filter(transaction__account=account)
        .order_by("transaction_id", "ledger_account__code", "amount")
        .values_list(
            *("transaction__occurred_at", "transaction__source_type"),
            *("ledger_account__code", "currency", "amount"),
        ),
    ]
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([_value_as_json(value) for value in row]).encode())
    return digest.hexdigest()


def _value_as_json(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value
