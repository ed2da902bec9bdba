"""Where orders and managed orders are found, read and commanded."""

from apps.core.api.routes import Route
from apps.execution.api.views import OrderCommandViewSet, OrderGroupCommandViewSet

ROUTES = (
    Route("orders", OrderCommandViewSet, "order"),
    Route("order-groups", OrderGroupCommandViewSet, "order-group"),
)
