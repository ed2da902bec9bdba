"""People, their roles, their trading accounts and who works with which."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminEmailInputWidget

from apps.accounts.admin_site import actor_of
from apps.accounts.models import AccountMembership, TradingAccount, User
from apps.accounts.services import (
    membership_add,
    membership_remove,
    second_factor_reset,
)
from apps.core.admin import AuditedAdmin, DeskAdmin, ReadOnlyAdmin

# Their own pages would show the secrets of the second factor
admin.site.unregister([TOTPDevice, StaticDevice])
admin.site.unregister(Group)


class UserAddForm(AdminUserCreationForm[User]):
    """An e-mail address and a password."""

    def clean_email(self) -> str:
        """Store the address in one spelling."""
        return str(self.cleaned_data["email"]).lower()

    class Meta:
        model = User
        fields = ("email",)
        widgets = {"email": UnfoldAdminEmailInputWidget}


class UserEditForm(UserChangeForm[User]):
    """A person's particulars."""

    def clean_email(self) -> str:
        """Store the address in one spelling."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin[User]):
    """People. Nobody edits a superuser but a superuser, and nobody their own roles."""

    audit_name = "user"
    form = UserEditForm
    add_form = UserAddForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "full_name", "is_active", "is_staff", "last_login")
    list_filter = ("groups", "is_active", "is_staff")
    search_fields = ("email", "full_name")
    ordering = ("email",)
    filter_horizontal = ("groups",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "full_name", "password")}),
        ("Roles", {"fields": ("groups", "is_staff", "is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    actions = ("reset_second_factor",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep superusers out of others' reach."""
        if obj is not None and obj.is_superuser and not _is_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep a person's own roles, and the making of superusers, from others than superusers."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if _is_superuser(request):
            return fields
        own = ("groups", "is_staff", "is_active") if obj and obj.pk == request.user.pk else ()
        return (*fields, "is_superuser", *own)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  the name that Django calls it by
        form_url: str = "",
    ) -> HttpResponse:
        """Change a password and record that it was, together."""
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    @action(description="Reset the second factor", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        """Let the chosen people enrol anew at their next sign-in."""
        for person in queryset:
            if not self.has_change_permission(request, person):
                self.message_user(request, f"{person} is for superusers only.", messages.ERROR)
                continue
            second_factor_reset(user=person, actor=actor_of(request), reason="reset in the admin")
            self.message_user(request, f"{person} enrols a second factor at the next sign-in.")


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """Roles, as the table in the code gives them."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(TradingAccount)
class TradingAccountAdmin(AuditedAdmin):
    """Trading accounts. What an account is stays what it was opened as."""

    audit_name = "account"
    list_display = ("name", "broker", "mode", "base_currency", "is_active", "created_at")
    list_filter = ("broker", "mode", "is_active")
    search_fields = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Fix broker, mode and currency once the account exists."""
        fixed = ("name", "broker", "mode", "base_currency") if obj else ()
        return ("created_at", *fixed)


@admin.register(AccountMembership)
class AccountMembershipAdmin(DeskAdmin):
    """Who works with which account."""

    list_display = ("account", "user", "created_at")
    list_select_related = ("account", "user")
    list_filter = ("account",)
    search_fields = ("account__name", "user__email")
    autocomplete_fields = ("account", "user")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a membership is added or ended."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Add it through the service."""
        stored = membership_add(account=obj.account, user=obj.user, actor=actor_of(request))
        obj.pk = stored.pk

    def delete_model(self, request: HttpRequest, obj: AccountMembership) -> None:
        """End it through the service."""
        membership_remove(membership=obj, actor=actor_of(request))

    def delete_queryset(
        self, request: HttpRequest, queryset: models.QuerySet[AccountMembership]
    ) -> None:
        """End each through the service."""
        for membership in queryset.select_related("account", "user"):
            membership_remove(membership=membership, actor=actor_of(request))


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)
