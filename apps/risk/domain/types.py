"""Values that enter and leave the risk gate, so that a decision depends on nothing else."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.money import ZERO, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """An order that somebody would like to send.

    Attributes:
        symbol: The instrument's symbol.
        side: BUY or SELL.
        quantity: Units, positive.
        order_type: MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP or TAKE_PROFIT.
        limit_price, stop_price: Quote currency; None by order type.
        reduce_only: The venue must never let it open or turn a position.
        role: ENTRY, EXIT, STOP_LOSS or TAKE_PROFIT.
        opens: Whoever asks means to open, enlarge or turn a position.
        is_automated: No person entered it.
        orders: How many orders it takes: two where a position is turned, one else.
    """

    symbol: str
    side: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    reduce_only: bool
    role: str
    opens: bool
    stop_price: Decimal | None = None
    is_automated: bool = True
    orders: int = 1

    @property
    def signed_quantity(self) -> Decimal:
        """Units that the position gains when all of it fills; negative for a sell."""
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitValue:
    """One limit that applies.

    Attributes:
        kind: Value of ``LimitKind``.
        scope: desk, account, deployment or instrument.
        limit_id: Key of the stored version.
        is_soft: Exceeding it warns; a hard limit denies.
    """

    kind: str
    value: Decimal
    version: int
    scope: str
    limit_id: int
    is_soft: bool = False

    def __str__(self) -> str:
        """Name the value, the scope and the version, as a denial quotes them."""
        soft = "soft " if self.is_soft else ""
        return f"{plain(self.value)} ({soft}{self.scope} limit, version {self.version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """An order of the account on the same instrument that may still fill.

    Attributes:
        limit_price: Quote currency; None for one that takes any price.
        is_own: It belongs to the deployment (or the person) that asks.
        reduce_only: It can only make a position smaller, as a protective exit does.
    """

    client_order_id: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None
    decided_at: datetime
    is_own: bool
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBucket:
    """A token bucket that counts orders.

    Attributes:
        name: What it counts for, such as ``account demo`` or ``NSE equity``.
        tokens: Orders that may be sent now.
        orders_per_second: How fast it fills.
    """

    name: str
    tokens: Decimal
    orders_per_second: Decimal


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
        equity, equity_at_day_start, equity_peak: Base currency; None when not known.
        session_is_open, session_note: Whether the market trades, and which session it is.
        price_age_seconds: Age of the newest price; None when there is none.
        last_price, mid_price: What the newest quote shows; None when there is none.
        gross_notional, net_notional: Of all positions of the account, base currency.
        margin_available: Equity that nothing ties up yet, base currency; None where the instrument
            is traded at its full price.
        initial_margin_ratio: Part of the notional that a new position ties up.
        open_orders: Orders of the account that may still fill.
        working: Those of them on this instrument.
        working_notional_elsewhere: What those on other instruments may add to the positions
            there, base currency.
        working_buys_elsewhere, working_sells_elsewhere: What those come to, base currency.
        working_unpriced: Symbols of instruments whose price nobody knows and on which an order
            works at market; empty: what all orders come to is known.
        rate_buckets: Every bucket that an order takes a token from.
        orders_today, trades_today: Sent and executed by the account since the UTC day began.
        executions_in_window: Entries that the deployment had executed within the throttle's
            window since a person last enabled it.
        is_throttled, throttle_reason: The repeated-execution throttle has tripped.
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
    equity_peak: Decimal | None = None
    session_is_open: bool = True
    session_note: str = ""
    price_age_seconds: Decimal | None = None
    last_price: Decimal | None = None
    mid_price: Decimal | None = None
    gross_notional: Decimal | None = None
    net_notional: Decimal | None = None
    margin_available: Decimal | None = None
    initial_margin_ratio: Decimal = Decimal(1)
    open_orders: int = 0
    working: tuple[WorkingOrder, ...] = ()
    working_notional_elsewhere: Decimal = ZERO
    working_buys_elsewhere: Decimal = ZERO
    working_sells_elsewhere: Decimal = ZERO
    working_unpriced: str = ""
    rate_buckets: tuple[RateBucket, ...] = ()
    orders_today: int = 0
    trades_today: int = 0
    executions_in_window: int = 0
    is_throttled: bool = False
    throttle_reason: str = ""

    def limits_of(self, kind: str) -> list[LimitValue]:
        """Return the limits of one kind, hard ones first, then the tightest."""
        return sorted(
            (limit for limit in self.limits if limit.kind == kind),
            key=lambda limit: (limit.is_soft, limit.value),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """The check that refused, and the sentence for whoever asked."""

    check: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A soft limit that the order exceeds, in a sentence; the order may be sent."""

    check: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """What the gate says: the first denial, or None, and every warning before it."""

    denial: Denial | None
    warnings: tuple[Warned, ...] = ()


Recorded = OrderIntent | RiskContext | LimitValue | WorkingOrder | RateBucket | Warned


def record_of(value: Recorded) -> dict[str, Any]:
    """Return the value as plain JSON: numbers as exact text, times in ISO 8601."""
    return {item.name: _plain_json(getattr(value, item.name)) for item in fields(value)}


def _plain_json(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, LimitValue | WorkingOrder | RateBucket):
        return record_of(value)
    if isinstance(value, tuple):
        return [_plain_json(item) for item in value]
    return value
