"""What may pass: limits, trading state, sizing and the recorded decisions."""

from django.apps import AppConfig


class RiskConfig(AppConfig):
    """Registers the app."""

    name = "apps.risk"
    verbose_name = "Risk"
