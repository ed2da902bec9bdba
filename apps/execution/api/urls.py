"""Where orders, managed orders and signals are found, read and commanded."""

from django.urls import path

from apps.core.api.routes import Route
from apps.execution.api.views import OrderCommandViewSet, OrderGroupCommandViewSet
from apps.execution.api.webhooks import SignalCommandViewSet, WebhookView

ROUTES = (
    Route("signals", SignalCommandViewSet, "signal"),
    Route("orders", OrderCommandViewSet, "order"),
    Route("order-groups", OrderGroupCommandViewSet, "order-group"),
)
PATHS = (path("webhooks/<str:public_id>/", WebhookView.as_view(), name="webhook"),)
