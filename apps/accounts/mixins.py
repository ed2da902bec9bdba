"""What the pages of every app ask of who opens them."""

from django.contrib.auth.mixins import PermissionRequiredMixin


class RoleRequiredMixin(PermissionRequiredMixin):
    """Ask a stranger to sign in, and refuse a person whose roles lack ``permission_required``."""

    permission_denied_message = (
        "None of your roles opens this page. An operator can change your roles."
    )
