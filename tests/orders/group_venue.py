"""A venue in memory that plans of managed orders are carried out on, one action at a time."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.orders.domain.groups import (
    AmendLeg,
    CancelLeg,
    GroupAction,
    GroupKind,
    GroupPlan,
    GroupSnapshot,
    GroupState,
    LegSnapshot,
    MarketView,
    PlaceLeg,
    group_next,
    group_settings,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import Side

START = datetime(2026, 3, 2, tzinfo=UTC)
D = Decimal
TEN, HUNDRED = D(10), D(100)


@dataclass
class GroupVenue:
    """Carries plans out. Placing a name twice is what a crash must never lead to."""

    kind: GroupKind
    settings: dict[str, Any]
    side: Side = Side.BUY
    quantity: Decimal = TEN
    can_amend: bool = True
    expires_at: datetime | None = None
    state: GroupState = GroupState.ACTIVE
    now: datetime = START
    last: Decimal | None = HUNDRED
    is_stale: bool = False
    legs: dict[str, LegSnapshot] = field(default_factory=dict)
    placed: dict[str, PlaceLeg] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    average: Decimal = HUNDRED

    def snapshot(self) -> GroupSnapshot:
        return GroupSnapshot(
            kind=self.kind,
            state=self.state,
            side=self.side,
            quantity=self.quantity,
            lot_size=D(1),
            tick_size=D("0.5"),
            settings=group_settings(self.kind, self.settings),
            can_amend=self.can_amend,
            legs=tuple(self.legs.values()),
            memory=dict(self.memory),
            expires_at=self.expires_at,
        )

    def plan(self) -> GroupPlan:
        market = MarketView(as_of=self.now, last=self.last, is_stale=self.is_stale)
        return group_next(self.snapshot(), market, entry_average=self.average)

    def step(self, *, until_crash: int | None = None) -> GroupPlan:
        """Plan and carry out; a crash after so many actions loses the rest of the plan."""
        plan = self.plan()
        for action in plan.actions[:until_crash]:
            self.carry_out(action)
        if until_crash is None or until_crash >= len(plan.actions):
            self.state = plan.state
            if plan.memory is not None:
                self.memory = plan.memory
        return plan

    def settle(self, *, most: int = 20) -> GroupPlan:
        """Go on until there is nothing to do."""
        for _ in range(most):
            plan = self.step()
            if not plan.actions:
                return plan
        raise AssertionError(f"the plan does not come to rest: {plan}")

    def carry_out(self, action: GroupAction) -> None:
        if isinstance(action, PlaceLeg):
            assert action.name not in self.legs, f"{action.name} is placed twice"
            assert action.quantity > 0
            self.placed[action.name] = action
            self.legs[action.name] = LegSnapshot(
                name=action.name,
                status=OrderStatus.NEW,
                quantity=action.quantity,
                limit_price=action.limit_price,
                stop_price=action.stop_price,
            )
        elif isinstance(action, CancelLeg):
            self.change(action.name, status=OrderStatus.CANCELED, canceled_by_desk=True)
        else:
            self._amend(action)

    def _amend(self, action: AmendLeg) -> None:
        leg = self.legs[action.name]
        assert self.can_amend
        assert leg.can_be_amended
        quantity = action.quantity or leg.quantity
        assert quantity > leg.filled_quantity
        self.change(action.name, quantity=quantity, stop_price=action.stop_price or leg.stop_price)

    def change(self, name: str, **values: Any) -> None:
        self.legs[name] = replace(self.legs[name], **values)

    def fill(self, name: str, quantity: int | Decimal) -> None:
        leg = self.legs[name]
        filled = leg.filled_quantity + quantity
        assert filled <= leg.quantity
        status = OrderStatus.FILLED if filled == leg.quantity else OrderStatus.PARTIALLY_FILLED
        if not leg.is_live and status is not OrderStatus.FILLED:
            status = leg.status  # a partial fill crosses the cancel
        self.change(name, filled_quantity=filled, status=status)

    def reject(self, name: str, reason: str = "refused") -> None:
        self.change(name, status=OrderStatus.REJECTED, reason=reason)

    def after(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def live(self) -> dict[str, Decimal]:
        return {leg.name: leg.open_quantity for leg in self.legs.values() if leg.is_live}

    @property
    def filled(self) -> Decimal:
        return sum((leg.filled_quantity for leg in self.legs.values()), D(0))
