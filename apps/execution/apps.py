"""The chain run live, from bar to ledger."""

from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    """Registers the app."""

    name = "apps.execution"
    verbose_name = "Execution"
