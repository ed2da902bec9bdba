"""Limits and trading states, changed through the services; decisions to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin import DeskAdmin, ReadOnlyAdmin
from apps.risk.forms import RiskLimitForm, TradingStateForm
from apps.risk.models import RiskDecision, RiskLimit, TradingState
from apps.risk.services import limit_set, trading_state_set


@admin.register(RiskLimit)
class RiskLimitAdmin(DeskAdmin):
    """Limits. Adding one makes it the current version; the versions before stay."""

    form = RiskLimitForm
    list_display = ("kind", "account", "deployment", "value", "version", "is_current", "created_at")
    list_select_related = ("account", "deployment")
    list_filter = ("is_current", "kind", "account")
    search_fields = ("account__name", "deployment__name")
    autocomplete_fields = ("account", "deployment")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a limit is changed by a new version."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Show a stored version in full; ask for a new one with its reason."""
        if obj is None:
            return ("account", "deployment", "kind", "value", "reason")
        return ("account", "deployment", "kind", "value", "version", "is_current", "created_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Set the limit through the service."""
        wanted = form.cleaned_data
        stored = limit_set(
            account=wanted["account"],
            deployment=wanted["deployment"],
            kind=wanted["kind"],
            value=wanted["value"],
            actor=_actor(request),
            reason=wanted["reason"],
        )
        obj.pk = stored.pk
        obj.version = stored.version


@admin.register(TradingState)
class TradingStateAdmin(DeskAdmin):
    """The switches: active, reducing, halted."""

    form = TradingStateForm
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
            actor=_actor(request),
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


def _actor(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise TypeError("the admin site requires a person")
    return request.user
