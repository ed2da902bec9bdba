"""Reconciliation runs and report cursors to read, breaks to resolve."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin_site import actor_of
from apps.core.admin import DeskAdmin, ReadOnlyAdmin
from apps.reconciliation.forms import BreakResolveForm
from apps.reconciliation.models import Break, DeskStart, ReconciliationRun, ReportCursor
from apps.reconciliation.services import BreakRefused, break_resolve


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReadOnlyAdmin):
    """Comparisons with brokers."""

    list_display = (
        *("started_at", "account", "trigger", "result", "breaks_found", "orders_compared"),
        *("fills_compared", "positions_compared", "balances_compared", "failure"),
    )
    list_select_related = ("account",)
    list_filter = ("result", "trigger", "account")
    search_fields = ("account__name", "failure")
    date_hierarchy = "started_at"


@admin.register(Break)
class BreakAdmin(DeskAdmin):
    """Differences between our books and the brokers'. An open one is resolved with a sentence."""

    form = BreakResolveForm
    refusals = (BreakRefused,)
    readonly_fields = (
        *("state", "account", "kind", "key", "description", "ours", "theirs"),
        *("instrument", "order", "run", "opened_at", "resolved_at"),
    )
    fields = (*readonly_fields, "resolution")

    list_display = (
        *("opened_at", "account", "kind", "instrument", "description", "state", "resolved_at"),
    )
    list_select_related = ("account", "instrument")
    list_filter = ("state", "kind", "account")
    search_fields = ("key", "description", "resolution")
    date_hierarchy = "opened_at"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: the desk finds breaks."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what was found stays on the record."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the permission, and for a break that still stands open."""
        if obj is not None and obj.state != Break.State.OPEN:
            return False
        return bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Resolve it through the service."""
        break_resolve(
            found=obj, actor=actor_of(request), resolution=form.cleaned_data["resolution"]
        )


@admin.register(ReportCursor)
class ReportCursorAdmin(ReadOnlyAdmin):
    """How far brokers' reports have been recorded."""

    list_display = ("account", "cursor")
    list_select_related = ("account",)
    search_fields = ("account__name",)


@admin.register(DeskStart)
class DeskStartAdmin(ReadOnlyAdmin):
    """Starts of the desk."""

    list_display = ("started_at", "build")
    date_hierarchy = "started_at"
