"""Gathers every app's part of the API under ``/api/v1/``, in the order of the trade."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from apps.accounts.api.urls import ROUTES as ACCOUNTS
from apps.compliance.api.urls import ROUTES as COMPLIANCE
from apps.core.api.views import NothingHereView
from apps.execution.api.urls import PATHS
from apps.execution.api.urls import ROUTES as EXECUTION
from apps.marketdata.api.urls import ROUTES as MARKETDATA
from apps.orders.api.urls import ROUTES as ORDERS
from apps.positions.api.urls import ROUTES as POSITIONS
from apps.reconciliation.api.urls import ROUTES as RECONCILIATION
from apps.risk.api.urls import ROUTES as RISK
from apps.strategies.api.urls import ROUTES as STRATEGIES

ROUTES = (
    *ACCOUNTS,
    *MARKETDATA,
    *STRATEGIES,
    *RISK,
    *EXECUTION,
    *ORDERS,
    *POSITIONS,
    *RECONCILIATION,
    *COMPLIANCE,
)

router = DefaultRouter(use_regex_path=False)
router.include_format_suffixes = False
for route in ROUTES:
    router.register(route.prefix, route.viewset, route.basename)

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    *PATHS,
    path("", include(router.urls)),
    re_path("", NothingHereView.as_view(), name="nothing-here"),
]
