"""Reads where a deployment stands, and the snapshot that a decision is taken on."""

from apps.execution.selectors.risk import MarketNow, prices_of, risk_context
from apps.execution.selectors.sending import sending_forbidden, sending_waits
from apps.execution.selectors.standing import (
    Standing,
    cursors_of,
    desk_start_latest,
    signal_is_ordered,
    standing_of,
)

__all__ = [
    "MarketNow",
    "Standing",
    "cursors_of",
    "desk_start_latest",
    "prices_of",
    "risk_context",
    "sending_forbidden",
    "sending_waits",
    "signal_is_ordered",
    "standing_of",
]
