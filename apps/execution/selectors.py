"""Reads where a deployment stands and the snapshot that a decision is taken on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.execution.models import DeploymentCursor
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_latest
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, Side
from apps.orders.models import Order
from apps.orders.selectors import (
    freeze_reason,
    order_count_decided_since,
    order_list_open_of,
)
from apps.positions.models import Position
from apps.positions.selectors import (
    account_equity,
    equity_at_day_start,
    position_quantity,
    position_quantity_account,
)
from apps.reconciliation.models import DeskStart
from apps.reconciliation.selectors import account_is_reconciled
from apps.risk.domain.types import RiskContext
from apps.risk.models import TradingStateValue
from apps.risk.selectors import limit_list_applying, trading_state_effective
from apps.strategies.models import Deployment, Signal

ORDER_RATE_WINDOW = timedelta(seconds=1)
_ENDED_UNFILLED = [
    OrderStatus.REJECTED.value,
    OrderStatus.CANCELED.value,
    OrderStatus.EXPIRED.value,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a deployment holds of an instrument and has under way.

    Attributes:
        held: Signed units, from fills.
        open_orders: Orders that are not final, oldest first.
    """

    held: Decimal
    open_orders: tuple[Order, ...]

    @property
    def direction(self) -> int:
        """1, 0 or -1: what the deployment holds once its entries and exits have filled."""
        expected = self.held
        for order in self.open_orders:
            if order.role in (OrderRole.ENTRY, OrderRole.EXIT) and _still_wanted(order):
                expected += Side(order.side).sign * order.leaves_quantity
        return (expected > 0) - (expected < 0)


def _still_wanted(order: Order) -> bool:
    return order.status != OrderStatus.PENDING_CANCEL


def standing_of(*, deployment: Deployment, instrument: Instrument) -> Standing:
    """Return what the deployment holds and has under way on the instrument."""
    return Standing(
        held=position_quantity(
            account=deployment.account, instrument=instrument, deployment=deployment
        ),
        open_orders=tuple(order_list_open_of(deployment=deployment, instrument=instrument)),
    )


def prices_of(
    *, account: TradingAccount, timeframe: str, known: dict[int, Decimal]
) -> dict[int, Decimal]:
    """Return the last close of every instrument that the account holds.

    Args:
        known: Prices at hand, by instrument id; they are not read again.
    """
    prices = dict(known)
    held = (
        Position.objects.filter(account=account)
        .exclude(quantity=0)
        .exclude(instrument_id__in=prices)
    )
    for position in held.select_related("instrument"):
        bar = candle_latest(instrument=position.instrument, timeframe=timeframe)
        prices[position.instrument_id] = bar.close if bar else position.average_entry_price
    return prices


def risk_context(
    *,
    deployment: Deployment,
    instrument: Instrument,
    reference_price: Decimal,
    held: Decimal,
    as_of: datetime,
    desk_started_at: datetime | None,
) -> RiskContext:
    """Read the snapshot that the risk gate decides on.

    Args:
        reference_price: Close of the bar that asks, quote currency.
        held: Signed units of the deployment.
        as_of: Market time (UTC).
        desk_started_at: The account must have been reconciled since; None: ever.
    """
    account = deployment.account
    state, state_reason = trading_state_effective(account=account, deployment=deployment)
    frozen = freeze_reason(account=account, instrument=instrument)
    prices = prices_of(
        account=account,
        timeframe=deployment.timeframe,
        known={instrument.pk: reference_price},
    )
    return RiskContext(
        as_of=as_of,
        trading_state=state,
        trading_state_reason=state_reason,
        is_frozen=frozen is not None,
        freeze_reason=frozen or "",
        is_reconciled=account_is_reconciled(account=account, since=desk_started_at),
        instrument_is_tradable=instrument.is_tradable,
        reference_price=reference_price,
        multiplier=instrument.multiplier,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        minimum_notional=instrument.minimum_notional,
        position_quantity=held,
        account_position_quantity=position_quantity_account(account=account, instrument=instrument),
        orders_last_second=order_count_decided_since(
            account=account, since=as_of - ORDER_RATE_WINDOW
        ),
        equity=account_equity(account=account, prices=prices),
        equity_at_day_start=equity_at_day_start(account=account, as_of=as_of),
        limits=limit_list_applying(account=account, deployment=deployment),
    )


def sending_forbidden(*, order: Order) -> str | None:
    """Return why an order must not be sent, though it was allowed when it was decided, or None."""
    state, reason = trading_state_effective(
        account=order.account, deployment=order.deployment, instrument=order.instrument
    )
    if state == TradingStateValue.HALTED or (
        state == TradingStateValue.REDUCING and order.role == OrderRole.ENTRY
    ):
        return f"trading is {state} since it was decided: {reason}"
    if order.role == OrderRole.ENTRY and _exit_has_failed(order):
        return "the exit that was to come before it was not taken"
    return None


def _exit_has_failed(entry: Order) -> bool:
    """Tell whether the position that an entry was to turn may still be held."""
    return (
        entry.signal_id is not None
        and Order.objects.filter(
            signal=entry.signal_id, role=OrderRole.EXIT.value, status__in=_ENDED_UNFILLED
        ).exists()
    )


def sending_waits(*, order: Order, since: datetime | None) -> bool:
    """Tell whether an order must wait: its instrument is frozen, or the books do not match.

    Args:
        since: The account must have been reconciled since then; None: ever.
    """
    frozen = freeze_reason(account=order.account, instrument=order.instrument)
    return frozen is not None or not account_is_reconciled(account=order.account, since=since)


def signal_is_ordered(*, signal: Signal) -> bool:
    """Tell whether orders were written for a signal, whatever became of them."""
    return Order.objects.filter(signal=signal).exists()


def cursors_of(*, deployment: Deployment) -> dict[int, datetime]:
    """Return the open time of the last bar dealt with, by instrument id."""
    return dict(
        DeploymentCursor.objects.filter(deployment=deployment).values_list(
            "instrument_id", "bar_open_at"
        )
    )


def desk_start_latest() -> datetime | None:
    """Return when the desk was last started (machine time), or None."""
    return DeskStart.objects.values_list("started_at", flat=True).first()
