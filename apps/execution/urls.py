"""Addresses of what people do to the live chain."""

from django.urls import path, re_path

from apps.execution.views import kill_switch

app_name = "execution"
urlpatterns = [
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
