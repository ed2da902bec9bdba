"""Whether the books match the broker, and a break for each difference."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """Registers the app."""

    name = "apps.reconciliation"
    verbose_name = "Reconciliation"
