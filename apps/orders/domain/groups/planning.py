"""Asks the planner of the group's kind, after what is the same for all of them."""

from decimal import Decimal

from apps.core.money import ZERO
from apps.orders.domain.groups.exits import bracket_next, oco_next
from apps.orders.domain.groups.kinds import GroupState
from apps.orders.domain.groups.settings import (
    BracketSettings,
    HeldSettings,
    IcebergSettings,
    OcoSettings,
    TrailingSettings,
    TwapSettings,
)
from apps.orders.domain.groups.slices import iceberg_next, twap_next
from apps.orders.domain.groups.triggers import held_next, trailing_next
from apps.orders.domain.groups.types import GroupPlan, GroupSnapshot, MarketView, cancels_of


def group_next(
    group: GroupSnapshot, market: MarketView, *, entry_average: Decimal = ZERO
) -> GroupPlan:
    """Return what to do next about a managed order.

    While the outcome of a leg is not known, nothing is done: the truth comes first.

    Args:
        entry_average: Average fill price of a bracket's entry, quote currency.
    """
    if group.state.is_final:
        return GroupPlan(state=group.state)
    if any(leg.is_unresolved for leg in group.legs):
        return GroupPlan(state=group.state, reason="waits for the outcome of a leg")
    if group.state is GroupState.CANCELING or _is_expired(group, market):
        return _cancel(group, market)
    return _plan(group, market, entry_average)


def _plan(group: GroupSnapshot, market: MarketView, entry_average: Decimal) -> GroupPlan:
    settings = group.settings
    if isinstance(settings, OcoSettings):
        return oco_next(group, settings)
    if isinstance(settings, BracketSettings):
        return bracket_next(group, settings, entry_average, market)
    if isinstance(settings, IcebergSettings):
        return iceberg_next(group, settings)
    if isinstance(settings, TwapSettings):
        return twap_next(group, settings, market)
    if isinstance(settings, TrailingSettings):
        return trailing_next(group, settings, market)
    if isinstance(settings, HeldSettings):
        return held_next(group, settings, market)
    raise TypeError(f"no planner for {type(settings).__name__}")


def _cancel(group: GroupSnapshot, market: MarketView) -> GroupPlan:
    """Take every live leg back; ended when none is left."""
    reason = "its time is over" if _is_expired(group, market) else "canceled on request"
    if not group.live:
        return GroupPlan(state=GroupState.CANCELED, reason=reason)
    return GroupPlan(
        actions=cancels_of(group.live, reason),
        state=GroupState.CANCELING,
        reason=reason,
    )


def _is_expired(group: GroupSnapshot, market: MarketView) -> bool:
    """Tell whether the time is over; a bracket that holds something goes on protecting it."""
    if group.expires_at is None or market.as_of < group.expires_at:
        return False
    entry = group.leg("entry")
    return entry is None or entry.filled_quantity == 0
