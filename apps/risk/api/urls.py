"""Where the resources of this app are found."""

from apps.core.api.routes import Route
from apps.risk.api.views import (
    KillSwitchViewSet,
    RiskDecisionViewSet,
    RiskLimitViewSet,
    TradingStateViewSet,
)

ROUTES = (
    Route("limits", RiskLimitViewSet, "limit"),
    Route("trading-state", TradingStateViewSet, "trading-state"),
    Route("kill-switches", KillSwitchViewSet, "kill-switch"),
    Route("risk-decisions", RiskDecisionViewSet, "risk-decision"),
)
