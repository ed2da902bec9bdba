"""Who runs what, and how far it has come, to read."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin
from apps.execution.models import AccountLease, DeploymentCursor, DeploymentLease


@admin.register(DeploymentLease)
class DeploymentLeaseAdmin(ReadOnlyAdmin):
    """Which worker runs a deployment."""

    list_display = ("deployment", "epoch", "holder", "expires_at")
    list_select_related = ("deployment",)
    search_fields = ("deployment__name", "holder")


@admin.register(AccountLease)
class AccountLeaseAdmin(ReadOnlyAdmin):
    """Which worker works an account's orders by hand and managed orders."""

    list_display = ("account", "epoch", "holder", "expires_at")
    list_select_related = ("account",)
    search_fields = ("account__name", "holder")


@admin.register(DeploymentCursor)
class DeploymentCursorAdmin(ReadOnlyAdmin):
    """The last bar that each deployment has dealt with."""

    list_display = ("deployment", "instrument", "bar_open_at", "bars_seen")
    list_select_related = ("deployment", "instrument")
    search_fields = ("deployment__name", "instrument__symbol")
