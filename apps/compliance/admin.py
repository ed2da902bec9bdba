"""The audit trail, to read."""

from auditlog.models import LogEntry
from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.core.models import AuditEvent

admin.site.unregister(LogEntry)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what to which thing, when and why."""

    list_display = (
        *("occurred_at", "action", "subject_label", "subject_type", "actor_label", "reason"),
    )
    list_filter = ("action", "subject_type")
    search_fields = ("action", "subject_label", "subject_id", "actor_label", "reason")
    date_hierarchy = "occurred_at"


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Changes of rows that django-auditlog watches."""

    list_display = ("timestamp", "object_repr", "action", "actor")
    list_select_related = ("actor", "content_type")
    list_filter = ("action",)
    search_fields = ("object_repr",)
    date_hierarchy = "timestamp"
