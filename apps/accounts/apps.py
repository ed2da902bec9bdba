"""Who may act, and on which trading accounts."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.module_loading import import_string


def _roles_sync_after_the_last_app(sender: AppConfig, using: str, **_: Any) -> None:
    # Permissions are created app by app; only after the last one do all of them exist
    with_models = [config for config in apps.get_app_configs() if config.models_module]
    if sender is with_models[-1]:
        # By name: the service needs models, which are not loaded when this module is
        import_string("apps.accounts.services.roles_sync")(using=using)


class AccountsConfig(AppConfig):
    """Registers the app."""

    name = "apps.accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Let the groups follow the table of roles."""
        post_migrate.connect(_roles_sync_after_the_last_app, dispatch_uid="accounts.roles_sync")
