"""What every other app stands on: time, ids, money, append-only facts, the audit writer."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Registers the app."""

    name = "apps.core"
    verbose_name = "Core"
