"""Where the resources of this app are found."""

from apps.core.api.routes import Route
from apps.orders.api.views import FillViewSet, OrderViewSet

ROUTES = (
    Route("orders", OrderViewSet, "order"),
    Route("fills", FillViewSet, "fill"),
)
