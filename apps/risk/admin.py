"""Limits and trading states, changed through the services; decisions to read."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from unfold.decorators import action

from apps.accounts.admin_site import actor_of
from apps.core.admin import DeskAdmin, ReadOnlyAdmin
from apps.risk.forms import KillSwitchForm, RiskLimitForm, TradingStateForm
from apps.risk.models import KillSwitch, RiskDecision, RiskLimit, ThrottleTrip, TradingState
from apps.risk.services import (
    RiskChangeRefused,
    kill_switch_engage,
    kill_switch_release_approve,
    kill_switch_release_request,
    limit_set,
    throttle_enable,
    trading_state_set,
)

_LIMIT_FIELDS = ("account", "deployment", "instrument", "kind", "is_soft", "value")


@admin.register(RiskLimit)
class RiskLimitAdmin(DeskAdmin):
    """Limits. Adding one makes it the current version; the versions before stay."""

    form = RiskLimitForm
    refusals = (RiskChangeRefused,)
    list_display = (
        *("kind", "account", "deployment", "instrument", "value", "is_soft", "version"),
        *("is_current", "created_at"),
    )
    list_select_related = ("account", "deployment", "instrument")
    list_filter = ("is_current", "is_soft", "kind", "account")
    search_fields = ("account__name", "deployment__name", "instrument__symbol")
    autocomplete_fields = ("account", "deployment", "instrument")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a limit is changed by a new version."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Show a stored version in full; ask for a new one with its reason."""
        if obj is None:
            return (*_LIMIT_FIELDS, "reason")
        return (*_LIMIT_FIELDS, "version", "is_current", "created_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Set the limit through the service."""
        wanted = form.cleaned_data
        stored = limit_set(
            account=wanted["account"],
            deployment=wanted["deployment"],
            instrument=wanted["instrument"],
            kind=wanted["kind"],
            is_soft=wanted["is_soft"],
            value=wanted["value"],
            actor=actor_of(request),
            reason=wanted["reason"],
        )
        obj.pk = stored.pk
        obj.version = stored.version


@admin.register(TradingState)
class TradingStateAdmin(DeskAdmin):
    """The switches: active, reducing, halted."""

    form = TradingStateForm
    refusals = (RiskChangeRefused,)
    list_display = ("__str__", "account", "deployment", "state", "reason", "changed_at")
    list_select_related = ("account", "deployment")
    list_filter = ("state",)
    search_fields = ("account__name", "deployment__name", "reason")
    autocomplete_fields = ("account", "deployment")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a switch is turned."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Fix the scope once the switch exists."""
        return ("account", "deployment", "changed_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Turn it through the service."""
        stored = trading_state_set(
            account=obj.account,
            deployment=obj.deployment,
            state=form.cleaned_data["state"],
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
        )
        obj.pk = stored.pk


@admin.register(RiskDecision)
class RiskDecisionAdmin(ReadOnlyAdmin):
    """Every pass through the gate, with its inputs."""

    list_display = (
        *("decided_at", "account", "deployment", "instrument", "outcome"),
        *("check_name", "reason"),
    )
    list_select_related = ("account", "deployment", "instrument")
    list_filter = ("outcome", "check_name", "account", "deployment")
    search_fields = ("reason", "account__name", "deployment__name", "instrument__symbol")
    date_hierarchy = "decided_at"


@admin.register(KillSwitch)
class KillSwitchAdmin(DeskAdmin):
    """Engage here; a release is asked for by one person and approved by another."""

    form = KillSwitchForm
    refusals = (RiskChangeRefused,)
    list_display = (
        *("__str__", "state", "reason", "flattens", "is_drill", "engaged_by", "engaged_at"),
        *("canceled_at", "flat_at", "release_requested_by", "released_by"),
    )
    list_select_related = (
        *("account", "deployment", "instrument", "engaged_by", "release_requested_by"),
        "released_by",
    )
    list_filter = ("state", "is_drill", "account")
    search_fields = ("reason", "account__name", "deployment__name", "strategy_name")
    autocomplete_fields = ("account", "deployment", "instrument")
    date_hierarchy = "engaged_at"
    actions = ("request_release", "approve_release")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what happened stays as it was."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to change kill switches."""
        return request.user.has_perm("risk.change_killswitch")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the scope and the reason; show everything afterwards."""
        if obj is None:
            return KillSwitchForm.Meta.fields
        return [field.name for field in KillSwitch._meta.fields if field.name != "id"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Engage it through the service; canceling and flattening follow within seconds."""
        stored = kill_switch_engage(**form.cleaned_data, actor=actor_of(request))
        obj.pk = stored.pk

    @action(description="Ask for the release", permissions=["release"])
    def request_release(self, request: HttpRequest, queryset: models.QuerySet[KillSwitch]) -> None:
        """Ask for the release of the chosen ones."""
        for switch in queryset:
            self._try(request, kill_switch_release_request, switch, reason="asked for in the admin")

    @action(description="Approve the release", permissions=["release"])
    def approve_release(self, request: HttpRequest, queryset: models.QuerySet[KillSwitch]) -> None:
        """Release the chosen ones, as a second person."""
        for switch in queryset:
            self._try(request, kill_switch_release_approve, switch)

    def _try(self, request: HttpRequest, service: Any, switch: KillSwitch, **values: str) -> None:
        try:
            changed = service(switch=switch, actor=actor_of(request), **values)
        except RiskChangeRefused as refused:
            self.message_user(request, str(refused), messages.ERROR)
        else:
            self.message_user(request, f"{changed}: {changed.get_state_display()}.")


@admin.register(ThrottleTrip)
class ThrottleTripAdmin(ReadOnlyAdmin):
    """Deployments that executed too often; a person enables them again."""

    list_display = ("deployment", "reason", "tripped_at", "enabled_by", "enabled_at")
    list_select_related = ("deployment", "enabled_by")
    list_filter = ("deployment",)
    search_fields = ("deployment__name", "reason")
    date_hierarchy = "tripped_at"
    actions = ("enable",)

    def has_enable_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to change throttle trips."""
        return request.user.has_perm("risk.change_throttletrip")

    @action(description="Enable again", permissions=["enable"])
    def enable(self, request: HttpRequest, queryset: models.QuerySet[ThrottleTrip]) -> None:
        """Let the chosen deployments trade again."""
        for trip in queryset.select_related("deployment"):
            try:
                throttle_enable(trip=trip, actor=actor_of(request), reason="enabled in the admin")
            except RiskChangeRefused as refused:
                self.message_user(request, str(refused), messages.ERROR)
            else:
                self.message_user(request, f"{trip.deployment} may trade again.")
