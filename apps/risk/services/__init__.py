"""Writes of the risk gate: decisions, limits, states, throttles and the kill switch."""

from apps.risk.services.controls import RiskChangeRefused, limit_set, trading_state_set
from apps.risk.services.decisions import gate_enter, risk_decide
from apps.risk.services.kill_switches import (
    kill_switch_engage,
    kill_switch_release_approve,
    kill_switch_release_decline,
    kill_switch_release_request,
)
from apps.risk.services.throttles import throttle_enable, throttle_follow, throttle_trip

__all__ = [
    "RiskChangeRefused",
    "gate_enter",
    "kill_switch_engage",
    "kill_switch_release_approve",
    "kill_switch_release_decline",
    "kill_switch_release_request",
    "limit_set",
    "risk_decide",
    "throttle_enable",
    "throttle_follow",
    "throttle_trip",
    "trading_state_set",
]
