"""Orders that the desk manages itself: pure plans that say what to place, amend or cancel next.

A plan follows from what the legs report and from nothing that happened before: asked again after a
crash, it asks for the same thing. Whoever carries it out stores each leg once, by its name.
"""

from apps.orders.domain.groups.kinds import GroupKind, GroupState
from apps.orders.domain.groups.planning import group_next
from apps.orders.domain.groups.settings import (
    BracketSettings,
    GroupRefused,
    GroupSettings,
    HeldSettings,
    IcebergSettings,
    OcoSettings,
    TrailingSettings,
    TwapSettings,
    group_faults,
    group_setting_names,
    group_settings,
)
from apps.orders.domain.groups.types import (
    AmendLeg,
    CancelLeg,
    GroupAction,
    GroupPlan,
    GroupSnapshot,
    LegSnapshot,
    MarketView,
    PlaceLeg,
)

__all__ = [
    "AmendLeg",
    "BracketSettings",
    "CancelLeg",
    "GroupAction",
    "GroupKind",
    "GroupPlan",
    "GroupRefused",
    "GroupSettings",
    "GroupSnapshot",
    "GroupState",
    "HeldSettings",
    "IcebergSettings",
    "LegSnapshot",
    "MarketView",
    "OcoSettings",
    "PlaceLeg",
    "TrailingSettings",
    "TwapSettings",
    "group_faults",
    "group_next",
    "group_setting_names",
    "group_settings",
]
