"""Who may act, and on which trading accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app."""

    name = "apps.accounts"
    verbose_name = "Accounts"
