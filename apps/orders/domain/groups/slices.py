"""Iceberg and TWAP: a large order as a row of small ones."""

from decimal import Decimal

from apps.core.money import ZERO
from apps.orders.domain.fill_rules import round_down
from apps.orders.domain.groups.kinds import GroupState
from apps.orders.domain.groups.settings import IcebergSettings, TwapSettings
from apps.orders.domain.groups.types import (
    GroupPlan,
    GroupSnapshot,
    LegSnapshot,
    MarketView,
    PlaceLeg,
    cancels_of,
    filled_of,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, TimeInForce

_REFUSALS_IN_A_ROW = 3


def iceberg_next(group: GroupSnapshot, settings: IcebergSettings) -> GroupPlan:
    """Show the next slice when the one before is filled."""
    left = group.quantity - filled_of(group.legs)
    if left <= 0:
        return GroupPlan(state=GroupState.COMPLETED, reason="all of it filled")
    if group.live:
        return GroupPlan()
    last = _latest(group)
    if last is not None and last.status != OrderStatus.FILLED:
        return GroupPlan(
            state=GroupState.FAILED,
            reason=f"{last.name} ended as {last.status}: {last.reason}".rstrip(": "),
        )
    slice_quantity = min(settings.display_quantity, left)
    return GroupPlan(
        actions=(
            PlaceLeg(
                name=f"slice-{len(group.legs) + 1}",
                role=OrderRole.ENTRY,
                side=group.side,
                order_type=OrderType.LIMIT,
                quantity=slice_quantity,
                limit_price=settings.limit_price,
            ),
        )
    )


def twap_next(group: GroupSnapshot, settings: TwapSettings, market: MarketView) -> GroupPlan:
    """Send the slice of this interval; what earlier ones left is spread over those to come.

    After a pause nothing is made up for in a burst: a slice is what is left, divided by the
    intervals that are left. What the last interval leaves unfilled is not sent any more.
    """
    left = group.quantity - filled_of(group.legs)
    if left <= 0:
        return GroupPlan(state=GroupState.COMPLETED, reason="all of it filled")
    if market.as_of < settings.starts_at:
        return GroupPlan(due_at=settings.starts_at)
    number = int((market.as_of - settings.starts_at) / settings.interval) + 1
    if number > settings.slices:
        return _ended(group, left)
    due_at = settings.starts_at + number * settings.interval
    if group.leg(f"slice-{number}") is not None or market.is_stale:
        return GroupPlan(due_at=due_at)
    if group.live:  # the slice of an earlier interval gives way first
        return GroupPlan(actions=cancels_of(group.live, "its interval is over"), due_at=due_at)
    return _slice_due(group, settings, left, number)


def _slice_due(
    group: GroupSnapshot, settings: TwapSettings, left: Decimal, number: int
) -> GroupPlan:
    last = _latest(group)
    if last is not None and _refusals_in_a_row(group) >= _REFUSALS_IN_A_ROW:
        return GroupPlan(
            state=GroupState.FAILED,
            reason=f"{_REFUSALS_IN_A_ROW} slices in a row were refused: {last.reason}",
        )
    due_at = settings.starts_at + number * settings.interval
    quantity = _slice_quantity(group, left, slots=settings.slices - number + 1)
    if quantity <= 0:
        return GroupPlan(due_at=due_at)
    return GroupPlan(actions=(_twap_leg(group, settings, number, quantity),), due_at=due_at)


def _slice_quantity(group: GroupSnapshot, left: Decimal, *, slots: int) -> Decimal:
    if slots == 1:
        return round_down(left, group.lot_size)
    even = round_down(left / slots, group.lot_size)
    # Less than a lot a slot: one lot now, so that time is kept by leaving out later slices
    return even or min(group.lot_size, round_down(left, group.lot_size))


def _twap_leg(
    group: GroupSnapshot, settings: TwapSettings, number: int, quantity: Decimal
) -> PlaceLeg:
    is_market = settings.limit_price is None
    return PlaceLeg(
        name=f"slice-{number}",
        role=OrderRole.ENTRY,
        side=group.side,
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=quantity,
        limit_price=settings.limit_price,
        time_in_force=TimeInForce.GTC,
    )


def _ended(group: GroupSnapshot, left: Decimal) -> GroupPlan:
    if group.live:
        return GroupPlan(actions=cancels_of(group.live, "the time is over"))
    return GroupPlan(
        state=GroupState.COMPLETED,
        reason=f"the time is over with {left.normalize():f} not filled",
    )


def _latest(group: GroupSnapshot) -> LegSnapshot | None:
    return max(group.legs, key=lambda leg: leg.generation, default=None)


def _refusals_in_a_row(group: GroupSnapshot) -> int:
    count = 0
    for leg in sorted(group.legs, key=lambda leg: leg.generation, reverse=True):
        if leg.status is not OrderStatus.REJECTED or leg.filled_quantity > ZERO:
            break
        count += 1
    return count
