"""As embedded, on the same real servers; only what slows tests down without proving anything."""

from tradingsite.env import env_text
from tradingsite.settings.base import STORAGES
from tradingsite.settings.embedded import *  # noqa: F403  Django's own way to stack settings

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The same in every process of a test; it seals nothing but what tests make up
SEALING_KEYS = (
    env_text("DESK_SEALING_KEYS") or "test:" + "dGVzdC1rZXktdGhhdC1zZWFscy1ub3RoaW5nLXJlYWw="
)
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
