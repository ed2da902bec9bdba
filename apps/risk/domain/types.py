"""Values that enter and leave the risk gate, so that a decision depends on nothing else."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """An order that somebody would like to send.

    Attributes:
        symbol: The instrument's symbol.
        side: BUY or SELL.
        quantity: Units, positive.
        order_type: MARKET, LIMIT or STOP.
        limit_price: Quote currency; None unless it is a limit order.
        reduce_only: The venue must never let it open or turn a position.
        role: ENTRY, EXIT, STOP_LOSS or TAKE_PROFIT.
        opens: Whoever asks means to open, enlarge or turn a position.
    """

    symbol: str
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    reduce_only: bool
    role: str
    opens: bool

    @property
    def signed_quantity(self) -> Decimal:
        """Units that the position gains when all of it fills; negative for a sell."""
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitValue:
    """One limit that applies.

    Attributes:
        kind: ORDER_NOTIONAL, POSITION_NOTIONAL, ORDERS_PER_SECOND or DAILY_LOSS.
        scope: desk, account or deployment.
        limit_id: Key of the stored version.
    """

    kind: str
    value: Decimal
    version: int
    scope: str
    limit_id: int

    def __str__(self) -> str:
        """Name the value, the scope and the version, as a denial quotes them."""
        return f"{plain(self.value)} ({self.scope} limit, version {self.version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContext:
    """All that the gate looks at, read at one moment.

    Attributes:
        as_of: Market time of the decision (UTC).
        trading_state: ACTIVE, REDUCING or HALTED: the strictest that applies.
        trading_state_reason: Why, in the words of whoever set it.
        is_frozen: An unknown outcome freezes this account and instrument; see freeze_reason.
        is_reconciled: The account has matched its broker since the desk started.
        reference_price: Last close, quote currency.
        multiplier: Quote units per point and unit.
        position_quantity: Signed units that this deployment holds.
        account_position_quantity: Signed units that the whole account holds.
        orders_last_second: Orders of the account decided within the last second.
        equity, equity_at_day_start: Base currency; None when not known.
    """

    as_of: datetime
    trading_state: str
    is_frozen: bool
    freeze_reason: str
    is_reconciled: bool
    instrument_is_tradable: bool
    reference_price: Decimal
    multiplier: Decimal
    tick_size: Decimal
    lot_size: Decimal
    minimum_notional: Decimal
    position_quantity: Decimal
    account_position_quantity: Decimal
    orders_last_second: int
    equity: Decimal | None
    equity_at_day_start: Decimal | None
    limits: tuple[LimitValue, ...]
    trading_state_reason: str = ""

    def limits_of(self, kind: str) -> list[LimitValue]:
        """Return the limits of one kind, the tightest first."""
        return sorted(
            (limit for limit in self.limits if limit.kind == kind), key=lambda limit: limit.value
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """The check that refused, and the sentence for whoever asked."""

    check: str
    reason: str


def record_of(value: OrderIntent | RiskContext | LimitValue) -> dict[str, Any]:
    """Return the value as plain JSON: numbers as exact text, times in ISO 8601."""
    return {item.name: _plain_json(getattr(value, item.name)) for item in fields(value)}


def _plain_json(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, LimitValue):
        return record_of(value)
    if isinstance(value, tuple):
        return [_plain_json(item) for item in value]
    return value
