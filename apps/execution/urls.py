"""Addresses of what people do to the live chain."""

from django.urls import path, re_path

from apps.execution.views import (
    changes,
    deploying,
    deployments,
    execution_quality,
    kill_switch,
    order_entry,
    outcome,
)

app_name = "execution"
urlpatterns = [
    path("orders/new/", order_entry.OrderEntryView.as_view(), name="order_entry"),
    path("orders/new/preview/", order_entry.OrderPreviewView.as_view(), name="order_preview"),
    path("orders/<int:pk>/amend/", changes.OrderAmendView.as_view(), name="order_amend"),
    path("orders/<int:pk>/cancel/", changes.OrderCancelView.as_view(), name="order_cancel"),
    path("orders/<int:pk>/outcome/", outcome.OrderOutcomeView.as_view(), name="order_outcome"),
    path("orders/groups/<int:pk>/cancel/", changes.GroupCancelView.as_view(), name="group_cancel"),
    path(
        "execution-quality/",
        execution_quality.ExecutionQualityView.as_view(),
        name="execution_quality",
    ),
    path("deployments/", deployments.DeploymentListView.as_view(), name="deployment_list"),
    path("deployments/new/", deploying.DeploymentNewView.as_view(), name="deployment_new"),
    path(
        "deployments/new/parameters/",
        deploying.DeploymentParametersView.as_view(),
        name="deployment_parameters",
    ),
    path(
        "deployments/<int:pk>/",
        deployments.DeploymentDetailView.as_view(),
        name="deployment_detail",
    ),
    path(
        "deployments/<int:pk>/body/",
        deployments.DeploymentBodyView.as_view(),
        name="deployment_body",
    ),
    path("kill-switch/", kill_switch.KillSwitchView.as_view(), name="kill_switch"),
    path("kill-switch/body/", kill_switch.KillSwitchBodyView.as_view(), name="kill_switch_body"),
    path("kill-switch/<int:pk>/", kill_switch.EngagementView.as_view(), name="kill_switch_detail"),
    path(
        "kill-switch/<int:pk>/body/",
        kill_switch.EngagementBodyView.as_view(),
        name="kill_switch_progress",
    ),
    re_path(
        r"^kill-switch/(?P<pk>\d+)/(?P<verb>request|approve|decline)/$",
        kill_switch.ReleaseView.as_view(),
        name="kill_switch_release",
    ),
]
