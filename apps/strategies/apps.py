"""What decides: strategy code, its versions, deployments and signals."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Registers the app."""

    name = "apps.strategies"
    verbose_name = "Strategies"
