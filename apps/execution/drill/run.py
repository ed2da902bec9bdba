"""Places orders, engages the kill switch of their account, carries it out, and measures."""

import time
from dataclasses import dataclass
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.brokers.registry import BrokerNotAvailable, gateway_for
from apps.execution.drill.ground import DrillRefused, Ground, ground_for
from apps.execution.drill.orders import (
    allowed_require,
    count_open,
    held,
    resting_ticket,
    settle,
    smallest_quantity,
    ticket_enter,
)
from apps.execution.services.entry import TicketRefused
from apps.execution.services.kill_switch import kill_switch_carry_out
from apps.execution.services.markets import MarketUnknown, market_for
from apps.marketdata.models import Instrument
from apps.orders.domain.ports import BrokerError
from apps.orders.domain.tickets import OrderTicket
from apps.orders.domain.types import Side
from apps.orders.models import OrderEvent
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run
from apps.risk.models import KillSwitch, RiskDecision
from apps.risk.selectors import kill_switch_holding
from apps.risk.services import kill_switch_engage


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """What a drill measured.

    Attributes:
        switch: The engagement, with its report.
        working_before, held_before: By the broker, before the click.
        claimed_after_block: Orders claimed for sending after the block was proved, closings aside.
        refusal: What an order that was tried while it holds was answered.
    """

    switch: KillSwitch
    working_before: int
    held_before: Decimal
    claimed_after_block: int
    refusal: str


def drill_run(
    *,
    account: TradingAccount | None = None,
    instrument: Instrument | None = None,
    orders: int = 20,
    holds_position: bool = True,
    patience_seconds: float = 60.0,
) -> DrillResult:
    """Place orders, engage the kill switch of the account, carry it out, and measure.

    It stays engaged: two people release a drill as they would release the real thing.

    Args:
        account: One whose mode is PAPER or TEST, and whose own orders are canceled as well; None:
            a paper account of the drill's own, with a market of its own.
        instrument: What to trade; with an account only.
        orders: How many to leave working.
        holds_position: Whether a position is opened before, and closed.

    Raises:
        DrillRefused: The account has real money or is held already, the books do not match, or
            the orders could not be placed.
    """
    ground = ground_for(account=account, instrument=instrument)
    _free_require(ground)
    try:
        working, held = _orders_place(ground, orders=orders, holds_position=holds_position)
    except (TicketRefused, MarketUnknown, BrokerError, BrokerNotAvailable) as error:
        raise DrillRefused(f"the drill's orders could not be placed: {error}") from error
    switch = kill_switch_engage(
        account=ground.account, flattens=holds_position, is_drill=True, actor=None, reason="drill"
    )
    switch = _carry_out(ground, switch, patience_seconds)
    return DrillResult(
        switch=switch,
        working_before=working,
        held_before=held,
        claimed_after_block=_claimed_since(switch),
        refusal=_refusal(ground),
    )


def _free_require(ground: Ground) -> None:
    switch = kill_switch_holding(
        account=ground.account, deployment=None, instrument=ground.instrument
    )
    if switch is not None:
        raise DrillRefused(
            f"number {switch.pk}, a {switch}, holds {ground.account} already; two people have to "
            "release it before the next drill"
        )
    run = reconciliation_run(
        account=ground.account,
        gateway=gateway_for(ground.account),
        trigger=ReconciliationRun.Trigger.COMMAND,
    )
    if run.result != ReconciliationRun.Result.MATCHED:
        raise DrillRefused(
            f"{ground.account} does not match its broker: {run.failure or 'see its breaks'}"
        )


def _orders_place(ground: Ground, *, orders: int, holds_position: bool) -> tuple[int, Decimal]:
    """Open the position and leave the orders working; return both by the broker's word."""
    market = market_for(account=ground.account, instrument=ground.instrument)
    quantity = smallest_quantity(ground.instrument, market.reference_price)
    if holds_position:
        allowed_require(ticket_enter(ground, OrderTicket(side=Side.BUY, quantity=quantity)))
        settle(ground, lambda: held(ground) != 0)
    ticket = resting_ticket(ground.instrument, market.reference_price)
    for _ in range(orders):
        allowed_require(ticket_enter(ground, ticket))
    settle(ground, lambda: count_open(ground) >= orders)
    return count_open(ground), held(ground)


def _refusal(ground: Ground) -> str:
    """Try an order while the switch holds, and return why it was refused."""
    ticket = OrderTicket(side=Side.BUY, quantity=ground.instrument.lot_size)
    try:
        decision = ticket_enter(ground, ticket).decision
    except TicketRefused as refused:
        return str(refused)
    if decision.outcome == RiskDecision.Outcome.ALLOWED:
        return ""
    return decision.reason


def _carry_out(ground: Ground, switch: KillSwitch, patience_seconds: float) -> KillSwitch:
    """Carry it out step by step, so that the drill's own market can move on between them."""
    deadline = time.monotonic() + patience_seconds
    carried = switch
    while not carried.is_confirmed and (left := deadline - time.monotonic()) > 0:
        carried = kill_switch_carry_out(switch=carried, patience_seconds=min(left, 1.0))
        ground.step()
    return carried


def _claimed_since(switch: KillSwitch) -> int:
    """Count orders of the account that were claimed after the block, closing orders aside."""
    return OrderEvent.objects.filter(
        order__account=switch.account,
        order__kill_switch=None,
        kind="order.claimed",
        recorded_at__gt=switch.blocked_at or switch.engaged_at,
    ).count()
