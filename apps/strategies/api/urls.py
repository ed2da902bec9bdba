"""Where the resources of this app are found."""

from apps.core.api.routes import Route
from apps.strategies.api.views import DeploymentViewSet, SignalViewSet, StrategyVersionViewSet

ROUTES = (
    Route("strategies", StrategyVersionViewSet, "strategy"),
    Route("deployments", DeploymentViewSet, "deployment"),
    Route("signals", SignalViewSet, "signal"),
)
