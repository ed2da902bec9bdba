"""Instruments, candles and the feeds that bring them."""

from django.apps import AppConfig


class MarketdataConfig(AppConfig):
    """Registers the app."""

    name = "apps.marketdata"
    verbose_name = "Market data"
