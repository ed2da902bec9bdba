"""Writes of managed orders: what was asked for, its legs, and where it stands."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.core.ids import client_order_id
from apps.core.money import plain
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.orders.domain.groups import (
    GroupKind,
    GroupPlan,
    GroupState,
    PlaceLeg,
    group_settings,
)
from apps.orders.domain.types import OrderOrigin, Side
from apps.orders.models import Order, OrderGroup
from apps.orders.services.creation import OrderPlan, order_create
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment, Signal

_REASON_LENGTH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOrder:
    """A managed order as decided: sized and passed by the risk gate.

    Attributes:
        key: What makes it unique in its account; ids of the group and its legs follow from it.
        settings: By kind; see ``orders.domain.groups.settings``.
        decided_at: Market time of the decision (UTC).
        expires_at: Nothing is opened from then on (UTC).
    """

    key: str
    kind: GroupKind
    side: Side
    quantity: Decimal
    settings: dict[str, Any]
    decided_at: datetime
    origin: OrderOrigin = OrderOrigin.STRATEGY
    expires_at: datetime | None = None


@transaction.atomic
def group_create(
    *,
    account: TradingAccount,
    instrument: Instrument,
    order: GroupOrder,
    deployment: Deployment | None = None,
    signal: Signal | None = None,
    risk_decision: RiskDecision | None = None,
    actor: User | None = None,
) -> OrderGroup:
    """Store a managed order; its first legs come with the first plan.

    Raises:
        GroupRefused: The settings cannot be followed.
        IntegrityError: The account knows the client group id.
    """
    group_settings(order.kind, order.settings)
    group = OrderGroup.objects.create(
        account=account,
        instrument=instrument,
        deployment=deployment,
        signal=signal,
        risk_decision=risk_decision,
        created_by=actor,
        client_group_id=client_order_id(at=order.decided_at, key=f"{order.key}:{order.kind}"),
        kind=order.kind.value,
        origin=order.origin.value,
        side=order.side.value,
        quantity=order.quantity,
        settings=order.settings,
        decided_at=order.decided_at,
        due_at=order.decided_at,
        expires_at=order.expires_at,
    )
    audit_record(
        action="order_group.created",
        subject=group,
        actor=actor,
        process="execution",
        details={
            "kind": order.kind.value,
            "side": order.side.value,
            "quantity": plain(order.quantity),
            "settings": order.settings,
        },
    )
    return group


@transaction.atomic
def group_leg_create(*, group: OrderGroup, leg: PlaceLeg) -> Order:
    """Store a leg as INTENT, once: while the group has one of this name, that one is returned."""
    known = Order.objects.filter(group=group, leg=leg.name).first()
    if known is not None:
        return known
    return order_create(
        account=group.account,
        instrument=group.instrument,
        deployment=group.deployment,
        risk_decision=group.risk_decision,
        plan=OrderPlan(
            key=f"{group.client_group_id}:{leg.name}",
            decided_at=now(),
            side=leg.side,
            role=leg.role,
            order_type=leg.order_type,
            quantity=leg.quantity,
            limit_price=leg.limit_price,
            stop_price=leg.stop_price,
            time_in_force=leg.time_in_force,
            expires_at=leg.expires_at,
            reduce_only=leg.reduce_only,
            maximum_slippage_bps=leg.maximum_slippage_bps,
            origin=OrderOrigin(group.origin),
            group=group,
            leg=leg.name,
        ),
    )


@transaction.atomic
def group_plan_record(*, group: OrderGroup, plan: GroupPlan) -> OrderGroup:
    """Keep what a plan wants remembered, when it is due again, and the state that follows."""
    locked = group_locked(group.pk)
    before = GroupState(locked.state)
    if before.is_final:
        return locked
    if plan.memory is not None:
        locked.memory = plan.memory
    locked.due_at = plan.due_at
    if plan.state is not before:
        # Why it was asked to end says more than that it was
        asked = locked.state_reason if before is GroupState.CANCELING else ""
        _state_move(locked, plan.state, asked or plan.reason)
    locked.save()
    return locked


@transaction.atomic
def group_cancel_request(
    *, group: OrderGroup, reason: str, actor: User | None = None
) -> OrderGroup:
    """Ask for the end of a managed order; the next plan takes its legs back."""
    locked = group_locked(group.pk)
    if locked.state == GroupState.ACTIVE:
        _state_move(locked, GroupState.CANCELING, reason, actor=actor)
        locked.due_at = now()
        locked.save()
    return locked


def group_locked(group_id: int) -> OrderGroup:
    """Return the managed order with its row locked until the transaction ends.

    Raises:
        OrderGroup.DoesNotExist: There is none.
    """
    return (
        OrderGroup.objects.select_for_update(of=("self",))
        .select_related("account", "instrument", "deployment")
        .get(pk=group_id)
    )


def _state_move(
    group: OrderGroup, target: GroupState, reason: str, *, actor: User | None = None
) -> None:
    before = group.state
    group.state = target.value
    group.state_reason = reason[:_REASON_LENGTH]
    if target.is_final:
        group.closed_at = now()
        group.due_at = None
    audit_record(
        action=f"order_group.{target.value.lower()}",
        subject=group,
        actor=actor,
        process="execution",
        reason=reason,
        details={"state_before": before, "state_after": target.value},
    )
