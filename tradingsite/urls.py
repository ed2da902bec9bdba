"""Roots of all addresses."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.operations.urls")),
    path("", include("apps.accounts.urls")),
    path("orders/", include("apps.orders.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("tradingsite.api")),
]
