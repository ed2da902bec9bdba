"""Who runs what and how far it has come, and webhooks with what they brought."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.decorators import action

from apps.accounts.admin_site import actor_of
from apps.core.admin import ReadOnlyAdmin
from apps.execution.models import (
    AccountLease,
    DeploymentCursor,
    DeploymentLease,
    ExternalSignal,
    Webhook,
)
from apps.execution.services.webhooks import webhook_switch


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


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    """Where signals come in from outside. Secrets are shown by the command ``webhook`` alone."""

    list_display = (
        *("deployment", "public_id", "is_active", "takes_passphrase", "window_seconds"),
        *("secret_version", "created_by", "created_at"),
    )
    list_select_related = ("deployment", "created_by")
    list_filter = ("is_active", "takes_passphrase")
    search_fields = ("deployment__name", "public_id")
    actions = ("switch_on", "switch_off")

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission that starting and stopping the deployment takes."""
        return request.user.has_perm("strategies.change_deployment")

    @action(description="Take messages again", permissions=["command"])
    def switch_on(self, request: HttpRequest, queryset: models.QuerySet[Webhook]) -> None:
        """Let the chosen webhooks take messages."""
        for webhook in queryset:
            webhook_switch(webhook=webhook, is_active=True, actor=actor_of(request))

    @action(description="Take no messages any more", permissions=["command"])
    def switch_off(self, request: HttpRequest, queryset: models.QuerySet[Webhook]) -> None:
        """Let the chosen webhooks take nothing; what they brought is still dealt with."""
        for webhook in queryset:
            webhook_switch(webhook=webhook, is_active=False, actor=actor_of(request))


@admin.register(ExternalSignal)
class ExternalSignalAdmin(ReadOnlyAdmin):
    """Messages that webhooks took, and what came of them."""

    list_display = ("webhook", "signal", "nonce", "sent_at", "received_at", "outcome", "dealt_at")
    list_select_related = ("webhook", "signal")
    list_filter = ("outcome", "webhook__deployment")
    search_fields = ("nonce", "webhook__deployment__name")
    date_hierarchy = "received_at"
