"""Every order from intent to last fill."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Registers the app."""

    name = "apps.orders"
    verbose_name = "Orders"
