"""Reads every setting that the environment may give, typed, and refuses what it does not know."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "DESK_"
"""Variables of ours start so; one that starts so and is unknown stops the process."""

UNPREFIXED = ("DATABASE_URL", "REDIS_URL", "MARKET_DATA_DIR")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable that the process understands.

    Attributes:
        default: What stands when it is unset; None means that there is no value then.
        help: One sentence for the person who sets it.
    """

    default: str | None
    help: str


VARIABLES: dict[str, Variable] = {
    "DATABASE_URL": Variable(None, "postgresql://user:password@host:port/name; unset: embedded."),
    "REDIS_URL": Variable(None, "redis://host:port/0, rediss:// or unix://; unset: embedded."),
    "MARKET_DATA_DIR": Variable("../shared/data", "Folder of market data for tests, benchmarks."),
    "DESK_SECRET_KEY": Variable(None, "Signs sessions; 50 characters or more. No default."),
    "DESK_SEALING_KEYS": Variable(None, "Seal secrets: id:base64-of-32-bytes,... No default."),
    "DESK_ALLOWED_HOSTS": Variable("", "Host names served, separated by commas."),
    "DESK_CSRF_TRUSTED_ORIGINS": Variable("", "Origins such as https://desk.example, by commas."),
    "DESK_TRUSTED_PROXY_COUNT": Variable("0", "Reverse proxies whose X-Forwarded-For counts."),
    "DESK_VAR_DIR": Variable(None, "Folder for run-time files; unset: var/ in the project."),
    "DESK_HTTP_PORT": Variable("8000", "Port of the web process."),
    "DESK_HTTP_HOST": Variable("127.0.0.1", "Address that the web process listens on."),
    "DESK_WEB_WORKERS": Variable("2", "Web worker processes."),
    "DESK_LOG_LEVEL": Variable("INFO", "DEBUG, INFO, WARNING or ERROR."),
    "DESK_ANGELONE_URL": Variable(
        "https://apiconnect.angelone.in", "REST interface of Angel One; https in production."
    ),
    "DESK_ANGELONE_FEED_URL": Variable(
        "wss://smartapisocket.angelone.in/smart-stream", "Its market feed; wss in production."
    ),
    "DESK_ANGELONE_ORDERS_URL": Variable(
        "wss://tns.angelone.in/smart-order-update", "Its order updates; wss in production."
    ),
    "DESK_ANGELONE_MASTER_URL": Variable(
        "https://margincalculator.angelone.in/OpenAPI_File/files/OpenAPIScripMaster.json",
        "Its list of instruments; https in production.",
    ),
    "DESK_ANGELONE_EQUITY_PRODUCT": Variable(
        "DELIVERY", "DELIVERY, or INTRADAY, which can be short and ends before the close."
    ),
    "DESK_ANGELONE_ABSENCE_SECONDS": Variable(
        "0", "Seconds without its tag after which an order never arrived; 0: the day's end proves."
    ),
    "DESK_ANGELONE_STOP_BOUND_BPS": Variable(
        "100", "How far beyond its trigger a stop may fill there, where none goes at market."
    ),
    "DESK_LEASE_SECONDS": Variable("5", "How long a silent worker keeps a deployment."),
    "DESK_BROKER_PROCESSES": Variable("4", "Processes that talk to brokers; see docs/running.md."),
    "DESK_BYBIT_TEST_NETWORK": Variable("testnet", "Where TEST accounts trade: testnet or demo."),
    "DESK_BYBIT_REST_URL": Variable(None, "Another host of Bybit's interface; unset: Bybit's own."),
    "DESK_BYBIT_STREAM_URL": Variable(None, "Another host of Bybit's streams; unset: Bybit's own."),
    "DESK_BYBIT_SLIPPAGE_PERCENT": Variable("0", "Most slippage of market entries; 0: Bybit's."),
    "DESK_SENTRY_DSN": Variable(None, "Sentry address that errors are sent to; unset: nowhere."),
    "DESK_DATABASE_SSLMODE": Variable("require", "libpq sslmode of DATABASE_URL in production."),
}


def env_check(environ: Mapping[str, str] | None = None) -> None:
    """Refuse variables with our prefix that nothing reads.

    Raises:
        ImproperlyConfigured: A name is unknown; the nearest known names are suggested.
    """
    for name in sorted(environ if environ is not None else os.environ):
        known = name.removesuffix("_FILE")
        if not name.startswith(PREFIX) or name in VARIABLES or known in VARIABLES:
            continue
        nearest = get_close_matches(name, VARIABLES, n=2)
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        raise ImproperlyConfigured(
            f"{name} is set but nothing reads it.{hint} Unset it or correct its name."
        )


def env_text(name: str) -> str | None:
    """Return a variable, or the content of the file that ``NAME_FILE`` points at.

    Returns:
        The text without surrounding white space; the variable's default when unset.

    Raises:
        ImproperlyConfigured: Both forms are set, or the file cannot be read.
    """
    variable = VARIABLES[name]
    direct, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if direct is not None and path is not None:
        raise ImproperlyConfigured(f"set {name} or {name}_FILE, not both")
    if path is not None:
        try:
            direct = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}") from error
    if direct is None or not direct.strip():
        return variable.default
    return direct.strip()


def env_required(name: str) -> str:
    """Return a variable that has no default.

    Raises:
        ImproperlyConfigured: It is unset or empty.
    """
    value = env_text(name)
    if not value:
        raise ImproperlyConfigured(f"{name} must be set: {VARIABLES[name].help}")
    return value


def env_integer(name: str, *, minimum: int = 0, maximum: int = 1_000_000) -> int:
    """Return a whole number between ``minimum`` and ``maximum``, both included.

    Raises:
        ImproperlyConfigured: It is no whole number or out of range.
    """
    raw = env_required(name)
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, was {raw!r}") from None
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name} must be {minimum} to {maximum}, was {value}")
    return value


def env_decimal(
    name: str, *, minimum: Decimal = Decimal(0), maximum: Decimal | None = None
) -> Decimal:
    """Return a finite decimal number between ``minimum`` and ``maximum``, both included.

    Raises:
        ImproperlyConfigured: It is no number, not finite or out of range.
    """
    raw = env_required(name)
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise ImproperlyConfigured(f"{name} must be a decimal number, was {raw!r}") from None
    if not value.is_finite() or value < minimum:
        raise ImproperlyConfigured(f"{name} must be {minimum} or more, was {raw}")
    if maximum is not None and value > maximum:
        raise ImproperlyConfigured(f"{name} must be {minimum} to {maximum}, was {raw}")
    return value


def env_choice(name: str, choices: tuple[str, ...]) -> str:
    """Return one of ``choices``, compared exactly.

    Raises:
        ImproperlyConfigured: It is none of them.
    """
    value = env_required(name)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, was {value!r}")
    return value


def env_list(name: str) -> list[str]:
    """Return the non-empty items of a comma-separated variable."""
    return [item.strip() for item in (env_text(name) or "").split(",") if item.strip()]


def env_url(name: str, *, schemes: tuple[str, ...]) -> str | None:
    """Return a URL with one of ``schemes``, or None when unset.

    Raises:
        ImproperlyConfigured: The scheme is another one, or host and path are both missing.
            The message never repeats the URL, which may hold a password.
    """
    raw = env_text(name)
    if raw is None:
        return None
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a URL: {error}") from None
    if parts.scheme not in schemes or not (parts.netloc or parts.path):
        expected = ", ".join(f"{scheme}://…" for scheme in schemes)
        raise ImproperlyConfigured(
            f"{name} must start with {expected}; its scheme was {parts.scheme!r}"
        )
    return raw
