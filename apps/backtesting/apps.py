"""The chain run offline, over history."""

from django.apps import AppConfig


class BacktestingConfig(AppConfig):
    """Registers the app."""

    name = "apps.backtesting"
    verbose_name = "Backtesting"
