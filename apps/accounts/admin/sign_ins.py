"""Who signed in, who failed to, and whom that locked out."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.decorators import action

from apps.accounts.admin_site import actor_of
from apps.accounts.services import (
    lockout_end,
)
from apps.core.admin import ReadOnlyAdmin

admin.site.unregister([AccessAttempt, AccessLog, AccessFailureLog])


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Failed sign-ins that count towards a pause."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    date_hierarchy = "attempt_time"
    actions = ("end_pause",)

    def has_end_pause_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission of operators."""
        return request.user.has_perm("axes.delete_accessattempt")

    @action(description="End the pause", permissions=["end_pause"])
    def end_pause(self, request: HttpRequest, queryset: models.QuerySet[AccessAttempt]) -> None:
        """Let the chosen people sign in again now."""
        for attempt in queryset:
            lockout_end(attempt=attempt, actor=actor_of(request))
            self.message_user(request, f"{attempt.username} may sign in again.")


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    """Sign-ins and sign-outs."""

    list_display = ("attempt_time", "logout_time", "username", "ip_address")
    search_fields = ("username", "ip_address")
    date_hierarchy = "attempt_time"


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(ReadOnlyAdmin):
    """Failed sign-ins, where they are kept."""

    list_display = ("attempt_time", "username", "ip_address", "locked_out")
    search_fields = ("username", "ip_address")
    list_filter = ("locked_out",)
    date_hierarchy = "attempt_time"
