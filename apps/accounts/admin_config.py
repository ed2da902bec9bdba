"""Puts the desk's own admin site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class DeskAdminConfig(AdminConfig):
    """Registers the admin with our site."""

    default_site = "apps.accounts.admin_site.DeskAdminSite"
