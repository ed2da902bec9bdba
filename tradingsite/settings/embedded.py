"""One machine, nothing installed: PostgreSQL, Redis come from wheels, unless URLs name others."""

from apps.core.embedded import (
    EmbeddedServices,
    sealing_keys_read_or_create,
    secret_key_read_or_create,
)
from apps.core.sealing import keyring_of
from tradingsite.env import env_text, env_url
from tradingsite.error_reports import error_reports_start
from tradingsite.settings.base import *  # noqa: F403  Django's own way to stack settings
from tradingsite.settings.base import (
    ALLOWED_HOSTS,
    BASE_DIR,
    VAR_DIR,
    cache_from_url,
    database_from_url,
)

DATABASE_URL = env_url("DATABASE_URL", schemes=("postgresql", "postgres"))
REDIS_URL = env_url("REDIS_URL", schemes=("redis", "rediss", "unix"))

services = EmbeddedServices.at(
    base_dir=BASE_DIR,
    var_dir=VAR_DIR,
    with_postgres=DATABASE_URL is None,
    with_redis=REDIS_URL is None,
)
EMBEDDED_SERVICES: EmbeddedServices | None = services
DATABASES = {"default": database_from_url(DATABASE_URL or services.database_url)}
REDIS_URL = REDIS_URL or services.redis_url
CACHES = {"default": cache_from_url(REDIS_URL)}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)

SECRET_KEY = env_text("DESK_SECRET_KEY") or secret_key_read_or_create(VAR_DIR / "secret_key")
SEALING_KEYS = env_text("DESK_SEALING_KEYS") or sealing_keys_read_or_create(
    VAR_DIR / "sealing_keys"
)
keyring_of(SEALING_KEYS)  # refuses malformed keys now, and not at the first secret
ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]

error_reports_start(env_text("DESK_SENTRY_DSN"), environment="embedded")
