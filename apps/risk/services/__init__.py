"""Writes of the risk gate: decisions, and the limits and states that they follow."""

from apps.risk.services.controls import RiskChangeRefused, limit_set, trading_state_set
from apps.risk.services.decisions import risk_decide

__all__ = ["RiskChangeRefused", "limit_set", "risk_decide", "trading_state_set"]
