"""OCO and bracket: two exits that end each other, through partial fills and crashes."""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from apps.core.money import ZERO
from apps.orders.domain.fill_rules import round_to
from apps.orders.domain.groups.kinds import GroupState
from apps.orders.domain.groups.settings import BracketSettings, OcoSettings
from apps.orders.domain.groups.types import (
    GroupAction,
    GroupPlan,
    GroupSnapshot,
    LegSnapshot,
    MarketView,
    PlaceLeg,
    cancels_of,
    filled_of,
    name_of,
    resize,
)
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole, OrderType, Side, TimeInForce

_STEMS = ("stop", "target", "exit")
_EXIT_PAUSE = timedelta(minutes=1)
_LEFT_AT = "left_at"


def oco_next(group: GroupSnapshot, settings: OcoSettings) -> GroupPlan:
    """Keep stop and target at what is left; what one fills the other loses.

    A leg that the venue ends by itself (rejected, canceled there) takes the other with it.
    """
    left = group.quantity - filled_of(group.legs)
    if left <= 0:
        return _wind_up(group, "all of it filled")
    ended = next((leg for leg in group.legs if _ended_by_venue(leg)), None)
    if ended is not None:
        reason = f"{ended.name} ended as {ended.status}: {ended.reason}".rstrip(": ")
        return _wind_up(group, reason, final=GroupState.FAILED)
    actions: list[GroupAction] = []
    for stem in ("stop", "target"):
        generations = group.legs_of(stem)
        if not _live(generations):
            name = name_of(stem, len(generations) + 1)
            actions.append(_oco_leg(group, settings, name, left))
        elif generations[-1].open_quantity > left:
            actions += resize(group, generations[-1], left)
    return GroupPlan(actions=tuple(actions))


def _ended_by_venue(leg: LegSnapshot) -> bool:
    return not leg.is_live and leg.status != OrderStatus.FILLED and not leg.canceled_by_desk


def bracket_next(
    group: GroupSnapshot, settings: BracketSettings, average: Decimal, market: MarketView
) -> GroupPlan:
    """Open once; hold exits for exactly what has filled and has not left again.

    Once an exit has begun to fill, the rest of the entry is taken back. A stop that the venue
    refuses is replaced by a market order: what is held is never left without protection. One that
    does not take it out is followed by another a minute later.

    Args:
        average: Average price of what the entry has filled; zero while nothing has.
    """
    entry = group.leg("entry")
    if entry is None:
        return GroupPlan(actions=(_entry(group, settings),))
    left = filled_of(leg for stem in _STEMS for leg in group.legs_of(stem))
    held = entry.filled_quantity - left
    if held <= 0 and not entry.is_live:
        return _wind_up(group, "the position is closed" if left else entry.reason or "no entry")
    actions: list[GroupAction] = []
    if left > 0:
        actions += cancels_of([entry], "an exit has begun to fill")
    if held > 0:
        actions += _exits_cover(group, settings, average, held)
    return _paced(group, market, actions)


def _paced(group: GroupSnapshot, market: MarketView, actions: list[GroupAction]) -> GroupPlan:
    """Let a market exit follow another a minute later, not at once."""
    leaving = [action for action in actions if _is_market_exit(action)]
    if not leaving:
        return GroupPlan(actions=tuple(actions))
    if _LEFT_AT in group.memory:
        due_at = datetime.fromisoformat(group.memory[_LEFT_AT]) + _EXIT_PAUSE
        if market.as_of < due_at:
            others = tuple(action for action in actions if not _is_market_exit(action))
            return GroupPlan(actions=others, due_at=due_at)
    memory = {**group.memory, _LEFT_AT: market.as_of.isoformat()}
    return GroupPlan(actions=tuple(actions), memory=memory)


def _is_market_exit(action: GroupAction) -> bool:
    return isinstance(action, PlaceLeg) and action.role is OrderRole.EXIT


def _wind_up(
    group: GroupSnapshot, reason: str, *, final: GroupState = GroupState.COMPLETED
) -> GroupPlan:
    """Take back what is still live; the group has ended when nothing is."""
    if not group.live:
        return GroupPlan(state=final, reason=reason)
    return GroupPlan(actions=cancels_of(group.live, reason))


def _oco_leg(group: GroupSnapshot, settings: OcoSettings, name: str, quantity: Decimal) -> PlaceLeg:
    if name.startswith("target"):
        return PlaceLeg(
            name=name,
            role=OrderRole.TAKE_PROFIT,
            side=group.side,
            order_type=OrderType.LIMIT,
            quantity=quantity,
            limit_price=settings.limit_price,
            reduce_only=settings.reduce_only,
        )
    has_limit = settings.stop_limit_price is not None
    return PlaceLeg(
        name=name,
        role=OrderRole.STOP_LOSS,
        side=group.side,
        order_type=OrderType.STOP_LIMIT if has_limit else OrderType.STOP,
        quantity=quantity,
        stop_price=settings.stop_price,
        limit_price=settings.stop_limit_price,
        reduce_only=settings.reduce_only,
    )


def _entry(group: GroupSnapshot, settings: BracketSettings) -> PlaceLeg:
    is_market = settings.entry_limit_price is None
    ends = settings.entry_time_in_force in (TimeInForce.DAY, TimeInForce.GTD)
    return PlaceLeg(
        name="entry",
        role=OrderRole.ENTRY,
        side=group.side,
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        quantity=group.quantity,
        limit_price=settings.entry_limit_price,
        time_in_force=settings.entry_time_in_force,
        expires_at=group.expires_at if ends else None,
        maximum_slippage_bps=settings.entry_maximum_slippage_bps,
    )


def _exits_cover(
    group: GroupSnapshot, settings: BracketSettings, average: Decimal, held: Decimal
) -> list[GroupAction]:
    """Bring stop and target to ``held`` units each; the stop first."""
    if any(leg.is_live for leg in group.legs_of("exit")):
        return []  # a market order is on its way out with all of it
    refused = [
        leg
        for stem in ("stop", "target")
        for leg in group.legs_of(stem)[-1:]
        if leg.status is OrderStatus.REJECTED
    ]
    stop = group.legs_of("stop")[-1:]
    if any(leg.name.startswith("stop") for leg in refused) and not _live(stop):
        targets = cancels_of(group.legs_of("target"), "the stop was refused")
        return [*targets, _market_exit(group, held)]
    actions: list[GroupAction] = []
    if settings.has_stop:
        actions += _exit_cover(group, settings, average, held, "stop")
    if settings.has_target and not any(leg.name.startswith("target") for leg in refused):
        actions += _exit_cover(group, settings, average, held, "target")
    return actions


def _exit_cover(
    group: GroupSnapshot, settings: BracketSettings, average: Decimal, held: Decimal, stem: str
) -> list[GroupAction]:
    generations = group.legs_of(stem)
    latest = generations[-1] if generations else None
    if latest is None or not latest.is_live:
        return [_exit_leg(group, settings, average, held, name_of(stem, len(generations) + 1))]
    return resize(group, latest, held)


def _exit_leg(
    group: GroupSnapshot, settings: BracketSettings, average: Decimal, held: Decimal, name: str
) -> PlaceLeg:
    is_stop = name.startswith("stop")
    fixed = settings.stop_price if is_stop else settings.target_price
    ratio = settings.stop_ratio if is_stop else settings.target_ratio
    price = fixed if fixed is not None else _from_average(group, average, ratio or ZERO, is_stop)
    return PlaceLeg(
        name=name,
        role=OrderRole.STOP_LOSS if is_stop else OrderRole.TAKE_PROFIT,
        side=group.side.opposite,
        order_type=OrderType.STOP if is_stop else OrderType.LIMIT,
        quantity=held,
        stop_price=price if is_stop else None,
        limit_price=None if is_stop else price,
        reduce_only=True,
    )


def _from_average(group: GroupSnapshot, average: Decimal, ratio: Decimal, is_stop: bool) -> Decimal:
    """Return the exit's price; between two ticks, the one in the direction of profit."""
    is_long = group.side is Side.BUY
    away = -ratio if is_stop else ratio
    factor = 1 + away if is_long else 1 - away
    rounding = ROUND_CEILING if is_long else ROUND_FLOOR
    return max(round_to(average * factor, group.tick_size, rounding), group.tick_size)


def _market_exit(group: GroupSnapshot, held: Decimal) -> PlaceLeg:
    return PlaceLeg(
        name=name_of("exit", len(group.legs_of("exit")) + 1),
        role=OrderRole.EXIT,
        side=group.side.opposite,
        order_type=OrderType.MARKET,
        quantity=held,
        reduce_only=True,
    )


def _live(legs: list[LegSnapshot]) -> bool:
    return any(leg.is_live for leg in legs)
