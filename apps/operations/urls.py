"""Addresses of the dashboard and of what can be done from it."""

from django.urls import path

from apps.operations import views

app_name = "operations"
urlpatterns = [
    path("", views.DashboardView.as_view(), name="dashboard"),
    path("dashboard/body/", views.DashboardBodyView.as_view(), name="dashboard_body"),
    path(
        "dashboard/equity/<slug:account_name>/",
        views.EquityCurveView.as_view(),
        name="equity_curve",
    ),
    path(
        "deployments/<int:pk>/start/",
        views.DeploymentStartView.as_view(),
        name="deployment_start",
    ),
    path(
        "deployments/<int:pk>/stop/",
        views.DeploymentStopView.as_view(),
        name="deployment_stop",
    ),
]
