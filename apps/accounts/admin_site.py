"""The admin opens only to staff who proved a second factor, and shows others the way there."""

from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.apps import apps
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from apps.accounts.models import User

ADMIN_SCRIPTS = [SELF, UNSAFE_EVAL, UNSAFE_INLINE]


class DeskAdminSite(UnfoldAdminSite):
    """The admin site of the desk."""

    index_title = "Desk"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Let Alpine.js, on which Unfold builds, evaluate expressions; all else stays as it is."""
        return csp_update({"script-src": ADMIN_SCRIPTS})(super().admin_view(view, cacheable))

    def has_permission(self, request: HttpRequest) -> bool:
        """Ask for active staff with a proven second factor."""
        user = request.user
        if not isinstance(user, User) or not (user.is_active and user.is_staff):
            return False
        return bool(user.is_verified())  # type: ignore[attr-defined]  # by OTPMiddleware

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Put the apps in the order in which a trade lives, and packages after them."""
        installed = list(apps.get_app_configs())
        ours = [config for config in installed if config.name.startswith("apps.")]
        order = [config.label for config in (*ours, *installed)]
        found = super().get_app_list(request, app_label)
        return sorted(found, key=lambda each: order.index(each["app_label"]))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send a stranger to sign in.

        Raises:
            PermissionDenied: They are signed in and not staff.
        """
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if self.has_permission(request):
            return redirect("admin:index")
        if not isinstance(request.user, User):
            query = urlencode({REDIRECT_FIELD_NAME: wanted})
            return redirect(f"{reverse('accounts:sign_in')}?{query}")
        # Who owes a second factor never comes here: the middleware sends them to get one
        raise PermissionDenied("The admin is for staff. An operator can make you staff.")

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out as everywhere else."""
        if request.method != "POST":
            return redirect("admin:index")
        return HttpResponseRedirect(reverse("accounts:sign_out"), status=307)  # keeps the POST


def icon_url(_: HttpRequest) -> str:
    """Return the address of the desk's icon, for Unfold's settings."""
    return static("desk/icon.svg")


def style_url(_: HttpRequest) -> str:
    """Return the address of what the admin looks like beyond Unfold, for Unfold's settings."""
    return static("desk/admin.css")


def actor_of(request: HttpRequest) -> User:
    """Return the person who uses the admin, for services to record."""
    if not isinstance(request.user, User):
        raise TypeError("the admin site requires a person")
    return request.user
