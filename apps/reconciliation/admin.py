"""Reconciliation runs, breaks and report cursors."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.reconciliation.models import Break, DeskStart, ReconciliationRun, ReportCursor


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
class BreakAdmin(ReadOnlyAdmin):
    """Differences between our books and the brokers'."""

    list_display = (
        *("opened_at", "account", "kind", "instrument", "description", "state", "resolved_at"),
    )
    list_select_related = ("account", "instrument")
    list_filter = ("state", "kind", "account")
    search_fields = ("key", "description", "resolution")
    date_hierarchy = "opened_at"


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
