"""What every environment shares. An environment differs by values, never by branches in code."""

from decimal import Decimal
from pathlib import Path

import django_stubs_ext
import psycopg.conninfo
from csp.constants import NONE, SELF

from tradingsite.env import (
    env_check,
    env_choice,
    env_decimal,
    env_integer,
    env_list,
    env_required,
    env_text,
    env_url,
)
from tradingsite.structured_logs import structured_logs_configure

django_stubs_ext.monkeypatch()  # generic base classes such as DecimalField[...] at run time
env_check()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env_text("DESK_VAR_DIR") or BASE_DIR / "var").resolve()
MARKET_DATA_DIR = (BASE_DIR / (env_text("MARKET_DATA_DIR") or "")).resolve()


def database_from_url(url: str) -> dict[str, object]:
    """Turn a libpq URL into Django's form; parameters such as sslmode become options."""
    parts = {key: str(value) for key, value in psycopg.conninfo.conninfo_to_dict(url).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_MAX_AGE": 60,  # seconds
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": "5", **parts},  # seconds; the URL may say otherwise
    }


def cache_from_url(url: str) -> dict[str, object]:
    """Return Django's form of a Redis cache; a server that does not answer holds nobody up."""
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "cache",  # the broker's keys are in the same database
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},  # seconds
    }


DEBUG = False
ROOT_URLCONF = "tradingsite.urls"
WSGI_APPLICATION = "tradingsite.wsgi.application"
ALLOWED_HOSTS = env_list("DESK_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env_list("DESK_CSRF_TRUSTED_ORIGINS")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DESK_APPS = [
    "apps.core",
    "apps.accounts",
    "apps.marketdata",
    "apps.strategies",
    "apps.risk",
    "apps.orders",
    "apps.brokers",
    "apps.positions",
    "apps.reconciliation",
    "apps.compliance",
    "apps.backtesting",
    "apps.execution",
    "apps.operations",
]
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "apps.accounts.admin_config.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "auditlog",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    *DESK_APPS,
]
MIDDLEWARE = [
    "apps.operations.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "apps.accounts.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "operations:dashboard"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
AXES_USERNAME_FORM_FIELD = "username"  # the form's name for it; axes would take the model's
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "apps.accounts.views.sign_in_paused"
AXES_IPWARE_PROXY_COUNT = env_integer("DESK_TRUSTED_PROXY_COUNT", maximum=10)
OTP_TOTP_ISSUER = "tradingsite"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # seconds: one trading day at the desk
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF, "'unsafe-inline'"],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}

# Admin
UNFOLD = {
    "SITE_TITLE": "tradingsite admin",
    "SITE_HEADER": "tradingsite",
    "SITE_ICON": "apps.accounts.admin_site.icon_url",
    "STYLES": ["apps.accounts.admin_site.style_url"],
    "SHOW_BACK_BUTTON": True,
    "COLORS": {
        "primary": {  # the accent of the pages
            "50": "#eef3fd",
            "100": "#dbe6fb",
            "200": "#bfd3f8",
            "300": "#93b6f3",
            "400": "#6490ec",
            "500": "#3f6de2",
            "600": "#2457c5",
            "700": "#1d489f",
            "800": "#1c3d82",
            "900": "#1b356c",
            "950": "#142143",
        },
    },
}

# Language, time: the desk thinks in UTC
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["tradingsite.formats"]

# Static files
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.core.api.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.DeskSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.pagination.CursorPages",
    "DEFAULT_THROTTLE_CLASSES": [
        "apps.core.api.throttles.AnonymousThrottle",
        "apps.core.api.throttles.UserThrottle",
    ],
    "EXCEPTION_HANDLER": "apps.core.api.problems.problem_response",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": env_integer("DESK_TRUSTED_PROXY_COUNT", maximum=10),
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "tradingsite API",
    "DESCRIPTION": "Trade the accounts you are a member of, and read all that came of it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "LedgerCodeEnum": "apps.positions.models.LedgerAccount.Code",
        "LimitKindEnum": "apps.risk.models.LimitKind",
        "PositionPolicyEnum": "apps.strategies.models.POSITION_POLICIES",
        "OrderGroupKindEnum": "apps.orders.models.GROUP_KINDS",
        "OrderGroupStateEnum": "apps.orders.models.GROUP_STATES",
        "OrderStatusEnum": "apps.orders.models.STATUSES",
        "SignalActionEnum": "apps.strategies.models.Signal.Action",
        "TradingModeEnum": "apps.accounts.models.TradingMode",
        "TradingStateEnum": "apps.risk.models.TradingStateValue",
    },
}

# Celery: a task may run twice, and is lost only until the sweep finds its work
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,  # seconds
    # A page that asks for a task waits no 6 s for a Redis that is gone: the sweeps find the work
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_step": 0.0,
    "interval_max": 0.1,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300  # seconds
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_DEFAULT_QUEUE = "operations"
CELERY_TASK_ROUTES = {
    "execution.*": {"queue": "execution"},
    "reconciliation.*": {"queue": "reconciliation"},
}
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "execution.sweep", "schedule": 2.0, "options": {"expires": 10}},
    "warn-of-credentials": {
        "task": "accounts.credentials_warn",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "reconcile-accounts": {
        "task": "reconciliation.accounts_reconcile",
        "schedule": 30.0,
        "options": {"expires": 25},
    },
    "try-credentials": {
        "task": "brokers.credentials_probe",
        "schedule": 10.0,
        "options": {"expires": 8},
    },
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# The desk
LEASE_SECONDS = env_integer("DESK_LEASE_SECONDS", minimum=1, maximum=600)
BROKER_PROCESSES = env_integer("DESK_BROKER_PROCESSES", minimum=1, maximum=1000)
BYBIT_TEST_NETWORK = env_choice("DESK_BYBIT_TEST_NETWORK", ("testnet", "demo"))
BYBIT_REST_URL = env_url("DESK_BYBIT_REST_URL", schemes=("https", "http"))
BYBIT_STREAM_URL = env_url("DESK_BYBIT_STREAM_URL", schemes=("wss", "ws"))
BYBIT_SLIPPAGE_PERCENT = env_decimal("DESK_BYBIT_SLIPPAGE_PERCENT", maximum=Decimal(10))
ANGELONE_URL = env_url("DESK_ANGELONE_URL", schemes=("https", "http"))
ANGELONE_FEED_URL = env_url("DESK_ANGELONE_FEED_URL", schemes=("wss", "ws"))
ANGELONE_ORDERS_URL = env_url("DESK_ANGELONE_ORDERS_URL", schemes=("wss", "ws"))
ANGELONE_MASTER_URL = env_url("DESK_ANGELONE_MASTER_URL", schemes=("https", "http"))
ANGELONE_EQUITY_PRODUCT = env_choice("DESK_ANGELONE_EQUITY_PRODUCT", ("DELIVERY", "INTRADAY"))
ANGELONE_ABSENCE_SECONDS = env_integer("DESK_ANGELONE_ABSENCE_SECONDS", maximum=3600)
ANGELONE_STOP_BOUND_BPS = env_integer("DESK_ANGELONE_STOP_BOUND_BPS", minimum=1, maximum=1000)
HTTP_HOST = env_required("DESK_HTTP_HOST")
HTTP_PORT = env_integer("DESK_HTTP_PORT", minimum=1, maximum=65535)
WEB_WORKERS = env_integer("DESK_WEB_WORKERS", minimum=1, maximum=64)
LOG_LEVEL = env_choice("DESK_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"))
structured_logs_configure()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    # Standard error always: --json commands own standard output
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "axes": {"level": "WARNING"},
        # Each task's coming and going, several lines a second: what it did is logged by itself
        **{
            name: {"level": "DEBUG" if LOG_LEVEL == "DEBUG" else "WARNING"}
            for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")
        },
    },
}
