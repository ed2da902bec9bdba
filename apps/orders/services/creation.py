"""Writes an order down, with its protective exits, before anyone else hears of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.core.ids import client_order_id
from apps.core.money import plain
from apps.marketdata.models import Instrument
from apps.orders.domain.types import OrderOrigin, OrderRole, OrderType, Side, TimeInForce
from apps.orders.models import Order, OrderGroup
from apps.orders.services.events import order_event_add
from apps.risk.models import KillSwitch, RiskDecision
from apps.strategies.models import Deployment, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """A stop or target to attach: its role and its distance from the entry's fill price."""

    role: OrderRole
    distance_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlan:
    """An order as decided: sized, rounded and passed by the risk gate.

    Attributes:
        key: What makes it unique in its account; the client order ids follow from it.
        decided_at: Market time of the decision (UTC).
        expires_at: End of a DAY or GTD order (UTC).
        maximum_slippage_bps: Most that a fill may be worse than the decision's price.
        group, leg: The managed order that it is a leg of, and its name there.
        kill_switch: The engagement that it closes a position for; it passes while that holds.
        exits: Stop and target that live with the position it opens.
    """

    key: str
    decided_at: datetime
    side: Side
    role: OrderRole
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_ratio: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    maximum_slippage_bps: Decimal | None = None
    origin: OrderOrigin = OrderOrigin.STRATEGY
    group: OrderGroup | None = None
    leg: str = ""
    kill_switch: KillSwitch | None = None
    exits: tuple[ExitPlan, ...] = ()


@transaction.atomic(savepoint=False)
def order_create(
    *,
    account: TradingAccount,
    instrument: Instrument,
    plan: OrderPlan,
    deployment: Deployment | None = None,
    signal: Signal | None = None,
    risk_decision: RiskDecision | None = None,
    actor: User | None = None,
) -> Order:
    """Store an order as INTENT, its exits beside it, with first events and audit.

    Raises:
        IntegrityError: The account knows the client order id, or the signal has such an order.
    """
    entry = Order.objects.create(
        account=account,
        instrument=instrument,
        deployment=deployment,
        signal=signal,
        risk_decision=risk_decision,
        created_by=actor,
        role=plan.role.value,
        client_order_id=client_order_id(at=plan.decided_at, key=f"{plan.key}:{plan.role}"),
        side=plan.side.value,
        order_type=plan.order_type.value,
        time_in_force=plan.time_in_force.value,
        quantity=plan.quantity,
        limit_price=plan.limit_price,
        stop_price=plan.stop_price,
        trail_amount=plan.trail_amount,
        trail_ratio=plan.trail_ratio,
        expires_at=plan.expires_at,
        post_only=plan.post_only,
        reduce_only=plan.reduce_only,
        maximum_slippage_bps=plan.maximum_slippage_bps,
        origin=plan.origin.value,
        group=plan.group,
        leg=plan.leg,
        kill_switch=plan.kill_switch,
        decided_at=plan.decided_at,
    )
    order_event_add(
        order=entry,
        kind="order.intended",
        status_before="",
        occurred_at=plan.decided_at,
        details={"quantity": plain(plan.quantity), "order_type": plan.order_type.value},
        actor=actor,
    )
    for exit_plan in plan.exits:
        _exit_create(entry=entry, plan=plan, exit_plan=exit_plan)
    return entry


def _exit_create(*, entry: Order, plan: OrderPlan, exit_plan: ExitPlan) -> Order:
    is_stop = exit_plan.role is OrderRole.STOP_LOSS
    order = Order.objects.create(
        account=entry.account,
        instrument=entry.instrument,
        deployment=entry.deployment,
        signal=entry.signal,
        risk_decision=entry.risk_decision,
        parent=entry,
        origin=plan.origin.value,
        role=exit_plan.role.value,
        client_order_id=client_order_id(at=plan.decided_at, key=f"{plan.key}:{exit_plan.role}"),
        side=plan.side.opposite.value,
        order_type=(OrderType.STOP if is_stop else OrderType.LIMIT).value,
        quantity=plan.quantity,
        distance_ratio=exit_plan.distance_ratio,
        reduce_only=True,
        decided_at=plan.decided_at,
    )
    order_event_add(
        order=order,
        kind="order.intended",
        status_before="",
        occurred_at=plan.decided_at,
        details={"distance_ratio": plain(exit_plan.distance_ratio), "entry": str(entry)},
    )
    return order
