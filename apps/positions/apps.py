"""What is held and what it earned: positions and the double-entry ledger."""

from django.apps import AppConfig


class PositionsConfig(AppConfig):
    """Registers the app."""

    name = "apps.positions"
    verbose_name = "Positions"
