"""Strategy versions, deployments with start and stop, and signals."""

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from unfold.decorators import action

from apps.accounts.admin_site import actor_of
from apps.core.admin import ReadOnlyAdmin
from apps.strategies.loading import ParametersRefused, StrategyUnloadable
from apps.strategies.models import Deployment, Signal, StrategyVersion
from apps.strategies.services import DeploymentRefused, deployment_start, deployment_stop


@admin.register(StrategyVersion)
class StrategyVersionAdmin(ReadOnlyAdmin):
    """The exact source that was recorded."""

    list_display = ("name", "location", "source_sha256", "recorded_at")
    list_filter = ("name",)
    search_fields = ("name", "location", "source_sha256")
    date_hierarchy = "recorded_at"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StrategyVersion]:
        """Leave the source to the page of one version."""
        rows: models.QuerySet[StrategyVersion] = super().get_queryset(request)
        return rows.defer("source", "parameters_schema")


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """What runs where. Its settings are fixed; it is started and stopped by the services."""

    list_display = ("name", "version", "account", "timeframe", "mode", "state", "state_reason")
    list_select_related = ("version", "account")
    list_filter = ("state", "mode", "account")
    search_fields = ("name", "version__name", "account__name")
    actions = ("start", "stop")

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission that the dashboard asks for."""
        return request.user.has_perm("strategies.change_deployment")

    @action(description="Start", permissions=["command"])
    def start(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments trade."""
        for deployment in queryset:
            try:
                deployment_start(
                    deployment=deployment, actor=actor_of(request), reason="in the admin"
                )
            except (DeploymentRefused, ParametersRefused, StrategyUnloadable) as refused:
                self.message_user(request, f"{deployment}: {refused}", messages.ERROR)
            else:
                self.message_user(request, f"{deployment} has started.")

    @action(description="Stop", permissions=["command"])
    def stop(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments trade no more."""
        for deployment in queryset:
            try:
                deployment_stop(
                    deployment=deployment, actor=actor_of(request), reason="in the admin"
                )
            except DeploymentRefused as refused:
                self.message_user(request, f"{deployment}: {refused}", messages.ERROR)
            else:
                self.message_user(request, f"{deployment} has stopped.")


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    """What strategies wanted."""

    list_display = ("deployment", "instrument", "action", "bar_open_at", "reference_price")
    list_select_related = ("deployment", "instrument")
    list_filter = ("action", "deployment", "instrument")
    search_fields = ("deployment__name", "instrument__symbol")
    date_hierarchy = "bar_open_at"
