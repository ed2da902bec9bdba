"""Addresses of the dashboard and of what can be done from it."""

from django.urls import path, re_path

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
    re_path(
        r"^deployments/(?P<pk>\d+)/(?P<verb>start|submit|approve|decline|pause|resume|stop)/$",
        views.DeploymentCommandView.as_view(),
        name="deployment_command",
    ),
]
