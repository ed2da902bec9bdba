"""What happened and who did it, for those who must answer for it."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """Registers the app."""

    name = "apps.compliance"
    verbose_name = "Compliance"
