"""Trailing stops that the desk moves, and conditional orders that rest at the desk."""

from decimal import Decimal

from apps.orders.domain.fill_rules import trail_price
from apps.orders.domain.groups.kinds import GroupState
from apps.orders.domain.groups.settings import HeldSettings, TrailingSettings
from apps.orders.domain.groups.types import (
    AmendLeg,
    GroupPlan,
    GroupSnapshot,
    MarketView,
    PlaceLeg,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, Side

_BEST = "best_price"


def trailing_next(
    group: GroupSnapshot, settings: TrailingSettings, market: MarketView
) -> GroupPlan:
    """Rest a stop at the venue and move it when the market has gone our way; never back."""
    leg = group.leg("stop")
    if leg is not None and not leg.is_live:
        if leg.status == OrderStatus.FILLED:
            return GroupPlan(state=GroupState.COMPLETED, reason="the stop filled")
        reason = f"the stop ended as {leg.status}: {leg.reason}".rstrip(": ")
        return GroupPlan(state=GroupState.FAILED, reason=reason)
    best = _best(group, market)
    if best is None:
        return GroupPlan(reason="waits for a price to trail")
    memory = {_BEST: str(best)}
    price = trail_price(
        side=group.side,
        best=best,
        amount=settings.trail_amount,
        ratio=settings.trail_ratio,
        tick_size=group.tick_size,
    )
    if leg is None:
        return GroupPlan(
            actions=(
                PlaceLeg(
                    name="stop",
                    role=OrderRole.STOP_LOSS,
                    side=group.side,
                    order_type=OrderType.STOP,
                    quantity=group.quantity,
                    stop_price=price,
                    reduce_only=settings.reduce_only,
                ),
            ),
            memory=memory,
        )
    if (
        not leg.can_be_amended
        or leg.stop_price is None
        or not _is_tighter(group, price, leg.stop_price)
    ):
        return GroupPlan(memory=memory)
    return GroupPlan(actions=(AmendLeg(name="stop", stop_price=price),), memory=memory)


def held_next(group: GroupSnapshot, settings: HeldSettings, market: MarketView) -> GroupPlan:
    """Release the order once the market has traded at its trigger."""
    leg = group.leg("release")
    if leg is not None:
        if leg.is_live:
            return GroupPlan()
        if leg.status is OrderStatus.FILLED:
            return GroupPlan(state=GroupState.COMPLETED, reason="released and filled")
        reason = f"the released order ended as {leg.status}: {leg.reason}".rstrip(": ")
        return GroupPlan(state=GroupState.FAILED, reason=reason)
    best = _best(group, market)
    memory = {} if best is None else {_BEST: str(best)}
    trigger, is_stop = _trigger(group, settings, best)
    if trigger is None or market.last is None or market.is_stale:
        return GroupPlan(memory=memory)
    upwards = (group.side is Side.BUY) == is_stop
    is_reached = market.last >= trigger if upwards else market.last <= trigger
    if not is_reached:
        return GroupPlan(memory=memory)
    is_market = settings.limit_price is None
    return GroupPlan(
        actions=(
            PlaceLeg(
                name="release",
                role=OrderRole.STOP_LOSS if is_stop else OrderRole.TAKE_PROFIT,
                side=group.side,
                order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
                quantity=group.quantity,
                limit_price=settings.limit_price,
                reduce_only=settings.reduce_only,
            ),
        ),
        memory={**memory, "released_at_price": str(market.last)},
    )


def _trigger(
    group: GroupSnapshot, settings: HeldSettings, best: Decimal | None
) -> tuple[Decimal | None, bool]:
    """Return the trigger price and whether it is a stop (against us) or a touch (for us)."""
    if settings.touch_price is not None:
        return settings.touch_price, False
    if settings.stop_price is not None:
        return settings.stop_price, True
    if best is None:
        return None, True
    return (
        trail_price(
            side=group.side,
            best=best,
            amount=settings.trail_amount,
            ratio=settings.trail_ratio,
            tick_size=group.tick_size,
        ),
        True,
    )


def _best(group: GroupSnapshot, market: MarketView) -> Decimal | None:
    remembered = Decimal(group.memory[_BEST]) if _BEST in group.memory else None
    if market.last is None or market.is_stale:
        return remembered
    if remembered is None:
        return market.last
    return max(remembered, market.last) if group.side is Side.SELL else min(remembered, market.last)


def _is_tighter(group: GroupSnapshot, price: Decimal, current: Decimal | None) -> bool:
    if current is None:
        return False
    return price > current if group.side is Side.SELL else price < current
