"""Roots of all addresses."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

ICON = lazy(static, str)("desk/icon.svg")  # its hashed name is not known before start-up

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.operations.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.execution.urls")),
    path("orders/", include("apps.orders.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("tradingsite.api")),
    path("favicon.ico", RedirectView.as_view(url=ICON), name="favicon"),
]
