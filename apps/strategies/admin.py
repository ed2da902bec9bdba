"""Strategy versions, deployments with every step that they may take, and signals."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action

from apps.accounts.admin_site import actor_of
from apps.core.admin import ReadOnlyAdmin
from apps.strategies.loading import ParametersRefused, StrategyUnloadable
from apps.strategies.models import Deployment, DeploymentClosing, Signal, StrategyVersion
from apps.strategies.selectors import deployment_history
from apps.strategies.services import (
    DeploymentRefused,
    deployment_approve,
    deployment_decline,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
    deployment_submit,
)

_HISTORY_LINES = 50


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
    """What runs where. Its settings are fixed; every step is taken by the services."""

    list_display = ("name", "version", "account", "timeframe", "mode", "state", "state_reason")
    list_select_related = ("version", "account")
    list_filter = ("state", "mode", "account")
    search_fields = ("name", "version__name", "account__name")
    actions = ("start", "submit", "approve", "decline", "pause", "resume", "stop")

    @admin.display(description="History")
    def history(self, deployment: Deployment) -> SafeString:
        """Show every step that it has taken, newest first."""
        lines = (
            (
                f"{event.occurred_at:%Y-%m-%d %H:%M:%S}",
                event.action,
                event.actor_label,
                event.reason,
            )
            for event in deployment_history(deployment)[:_HISTORY_LINES]
        )
        return format_html_join("", "<div>{} {} by {} {}</div>", lines)

    def get_readonly_fields(self, request: HttpRequest, obj: Deployment | None = None) -> list[str]:
        """Show the history below the columns."""
        return [*super().get_readonly_fields(request, obj), "history"]

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission that the dashboard asks for."""
        return request.user.has_perm("strategies.change_deployment")

    def has_approval_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to let others trade live money."""
        return request.user.has_perm("strategies.approve_deployment")

    @action(description="Start", permissions=["command"])
    def start(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments trade."""
        self._take(request, queryset, deployment_start, "has started")

    @action(description="Submit for approval", permissions=["command"])
    def submit(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Ask that the chosen deployments may trade live money."""
        self._take(request, queryset, deployment_submit, "awaits approval by somebody else")

    @action(description="Approve", permissions=["approval"])
    def approve(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments trade live money."""
        self._take(request, queryset, deployment_approve, "is approved and trades live money")

    @action(description="Decline", permissions=["command", "approval"])
    def decline(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Turn the chosen deployments down."""
        self._take(request, queryset, deployment_decline, "is declined and a draft again")

    @action(description="Pause", permissions=["command"])
    def pause(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments open nothing for a while."""
        self._take(request, queryset, deployment_pause, "is paused")

    @action(description="Resume", permissions=["command"])
    def resume(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments go on."""
        self._take(request, queryset, deployment_resume, "goes on")

    @action(description="Stop", permissions=["command"])
    def stop(self, request: HttpRequest, queryset: models.QuerySet[Deployment]) -> None:
        """Let the chosen deployments trade no more."""
        self._take(request, queryset, deployment_stop, "has stopped")

    def _take(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Deployment],
        step: Callable[..., None],
        done: str,
    ) -> None:
        for deployment in queryset:
            try:
                step(deployment=deployment, actor=actor_of(request), reason="in the admin")
            except (DeploymentRefused, ParametersRefused, StrategyUnloadable) as refused:
                self.message_user(request, f"{deployment}: {refused}", messages.ERROR)
            else:
                self.message_user(request, f"{deployment} {done}.")


@admin.register(DeploymentClosing)
class DeploymentClosingAdmin(ReadOnlyAdmin):
    """Positions that deployments must close, and what holds them up."""

    list_display = ("deployment", "instrument", "reason", "waits_for", "requested_at", "done_at")
    list_select_related = ("deployment", "instrument")
    list_filter = ("deployment",)
    search_fields = ("deployment__name", "instrument__symbol")
    date_hierarchy = "requested_at"


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    """What strategies wanted."""

    list_display = ("deployment", "instrument", "action", "bar_open_at", "reference_price")
    list_select_related = ("deployment", "instrument")
    list_filter = ("action", "deployment", "instrument")
    search_fields = ("deployment__name", "instrument__symbol")
    date_hierarchy = "bar_open_at"
