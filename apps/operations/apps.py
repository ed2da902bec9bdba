"""Keeping the desk running: health, supervision, demonstration."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Registers the app."""

    name = "apps.operations"
    verbose_name = "Operations"
