"""Limits, switches, and every decision with the inputs it was taken on."""

from apps.risk.models.decisions import RiskDecision
from apps.risk.models.kill_switch import KillSwitch
from apps.risk.models.limits import LimitKind, RiskLimit
from apps.risk.models.states import ThrottleTrip, TradingState, TradingStateValue

__all__ = [
    "KillSwitch",
    "LimitKind",
    "RiskDecision",
    "RiskLimit",
    "ThrottleTrip",
    "TradingState",
    "TradingStateValue",
]
