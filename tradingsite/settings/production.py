"""Several machines behind a TLS proxy: every secret and service is given, nothing is embedded."""

from apps.core.sealing import keyring_of
from tradingsite.env import env_required, env_text, env_url
from tradingsite.error_reports import error_reports_start
from tradingsite.settings.base import *  # noqa: F403  Django's own way to stack settings
from tradingsite.settings.base import cache_from_url, database_from_url

DATABASE_URL = env_url("DATABASE_URL", schemes=("postgresql", "postgres"))
REDIS_URL = env_url("REDIS_URL", schemes=("redis", "rediss", "unix"))
env_required("DATABASE_URL")
env_required("REDIS_URL")
env_required("DESK_ALLOWED_HOSTS")

EMBEDDED_SERVICES = None
DATABASES = {"default": database_from_url(str(DATABASE_URL))}
DATABASES["default"]["OPTIONS"] = {
    "sslmode": env_required("DESK_DATABASE_SSLMODE"),
    **DATABASES["default"]["OPTIONS"],  # type: ignore[dict-item]  # options from the URL win
}
CACHES = {"default": cache_from_url(str(REDIS_URL))}
CELERY_BROKER_URL = str(REDIS_URL).replace("unix://", "redis+socket://", 1)

# Keys of an account never travel in clear
BYBIT_REST_URL = env_url("DESK_BYBIT_REST_URL", schemes=("https",))
BYBIT_STREAM_URL = env_url("DESK_BYBIT_STREAM_URL", schemes=("wss",))
SECRET_KEY = env_required("DESK_SECRET_KEY")
SEALING_KEYS = env_required("DESK_SEALING_KEYS")
keyring_of(SEALING_KEYS)  # refuses malformed keys now, and not at the first secret
for name in ("DESK_ANGELONE_URL", "DESK_ANGELONE_MASTER_URL"):
    env_url(name, schemes=("https",))
for name in ("DESK_ANGELONE_FEED_URL", "DESK_ANGELONE_ORDERS_URL"):
    env_url(name, schemes=("wss",))
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000  # one year
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

error_reports_start(env_text("DESK_SENTRY_DSN"), environment="production")
