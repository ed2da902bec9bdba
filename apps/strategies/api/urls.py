"""Where the resources of this app are found; signals are found where they are sent."""

from apps.core.api.routes import Route
from apps.strategies.api.views import DeploymentViewSet, StrategyVersionViewSet

ROUTES = (
    Route("strategies", StrategyVersionViewSet, "strategy"),
    Route("deployments", DeploymentViewSet, "deployment"),
)
