"""Where the resources of this app are found; orders are found where they are commanded."""

from apps.core.api.routes import Route
from apps.orders.api.quality import ExecutionQualityViewSet
from apps.orders.api.views import FillViewSet

ROUTES = (
    Route("fills", FillViewSet, "fill"),
    Route("execution-quality", ExecutionQualityViewSet, "execution-quality"),
)
