"""What opens accounts at their brokers, to enter and to approve."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action

from apps.accounts.admin_site import actor_of
from apps.accounts.forms import SECRET_NAMES, CredentialForm
from apps.accounts.models import BrokerCredential
from apps.accounts.services import (
    CredentialRefused,
    credential_approve,
    credential_decline,
    credential_revoke,
    credential_store,
)
from apps.core.admin import DeskAdmin


@admin.register(BrokerCredential)
class BrokerCredentialAdmin(DeskAdmin):
    """What opens accounts at their brokers: entered here, approved by another person, never shown.

    There is no page that shows a value, whatever the role.
    """

    form = CredentialForm
    refusals = (CredentialRefused,)
    list_display = (
        *("account", "purpose", "hint", "state", "expires_at", "checked_at", "check_error"),
        *("proposed_by", "proposed_at", "decided_by"),
    )
    list_select_related = ("account", "proposed_by", "decided_by")
    list_filter = ("state", "purpose", "account")
    search_fields = ("account__name", "reason")
    autocomplete_fields = ("account",)
    date_hierarchy = "proposed_at"
    actions = ("approve", "decline", "revoke")

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep what was typed out of error reports."""
        return super().changeform_view(request, *args, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a credential is replaced by a new one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_approval_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to approve the credentials of others."""
        return request.user.has_perm("accounts.approve_brokercredential")

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Ask for the permission to change credentials, or to approve them."""
        can_change = request.user.has_perm("accounts.change_brokercredential")
        return can_change or self.has_approval_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for the values; show everything but them afterwards."""
        if obj is None:
            return ("account", "purpose", *SECRET_NAMES, "expires_at", "reason")
        shown = [field.name for field in BrokerCredential._meta.fields]
        return tuple(name for name in shown if name not in ("id", *BrokerCredential.sealed_fields))

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Name the model's own fields only; the form adds those of the values by itself."""
        return super().get_form(request, obj, **{**kwargs, "fields": CredentialForm.Meta.fields})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Propose it through the service."""
        stored = credential_store(
            account=obj.account,
            values=form.values(),
            by=actor_of(request),
            purpose=obj.purpose,
            expires_at=form.cleaned_data["expires_at"],
            reason=form.cleaned_data["reason"],
        )
        obj.pk = stored.pk
        obj.hint = stored.hint

    @action(description="Approve", permissions=["approval"])
    def approve(self, request: HttpRequest, queryset: models.QuerySet[BrokerCredential]) -> None:
        """Let the chosen proposals be used, as a second person."""
        self._take(request, queryset, credential_approve)

    @action(description="Decline", permissions=["command"])
    def decline(self, request: HttpRequest, queryset: models.QuerySet[BrokerCredential]) -> None:
        """Drop the chosen proposals with what they hold."""
        self._take(request, queryset, credential_decline)

    @action(description="Revoke", permissions=["command"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[BrokerCredential]) -> None:
        """Use the chosen ones no more."""
        self._take(request, queryset, credential_revoke, reason="revoked in the admin")

    def _take(self, request: HttpRequest, queryset: Any, service: Any, **values: str) -> None:
        for credential in queryset.select_related("account"):
            try:
                changed = service(credential=credential, by=actor_of(request), **values)
            except CredentialRefused as refused:
                self.message_user(request, str(refused), messages.ERROR)
            else:
                self.message_user(request, f"{changed}: {changed.get_state_display()}.")
