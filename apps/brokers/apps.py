"""Where orders go: the adapters behind the broker port."""

from django.apps import AppConfig


class BrokersConfig(AppConfig):
    """Registers the app."""

    name = "apps.brokers"
    verbose_name = "Brokers"
