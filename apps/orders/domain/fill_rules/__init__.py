"""How an order meets a bar: the one set of fill rules for backtest, paper venue and replay.

A bar tells open, high, low and close but not the path between them. Where the path matters, the
rule is the one that is worse for us.
"""

from apps.orders.domain.fill_rules.meeting import bar_rest, order_meet
from apps.orders.domain.fill_rules.prices import (
    exit_price,
    round_down,
    round_to,
    trail_price,
)
from apps.orders.domain.fill_rules.terms import FillTerms, commission_for, volume_available
from apps.orders.domain.fill_rules.types import FillMoment, Meeting, PriceMatch, RestingOrder

__all__ = [
    "FillMoment",
    "FillTerms",
    "Meeting",
    "PriceMatch",
    "RestingOrder",
    "bar_rest",
    "commission_for",
    "exit_price",
    "order_meet",
    "round_down",
    "round_to",
    "trail_price",
    "volume_available",
]
