"""Which values each broker's access consists of, and what is wrong with those that were given."""

import base64
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LONGEST = 256
_HINT_LENGTH = 4


@dataclass(frozen=True, slots=True)
class CredentialNames:
    """The values of one broker."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All of them, in the order in which they are asked for."""
        return (*self.required, *self.optional)


CREDENTIAL_NAMES: dict[str, CredentialNames] = {
    "BYBIT": CredentialNames(required=("api_key", "api_secret")),
    "ANGELONE": CredentialNames(
        required=("api_key", "client_code", "pin", "totp_secret"), optional=("static_ip",)
    ),
}


def credential_values_check(broker: str, values: Mapping[str, str]) -> str:
    """Return what is wrong with values for a broker, in a sentence without any of them, or ""."""
    names = CREDENTIAL_NAMES.get(broker)
    if names is None:
        return f"an account at {broker} needs no credential"
    missing = [name for name in names.required if not values.get(name)]
    if missing:
        return f"{broker} needs {', '.join(names.required)}; missing: {', '.join(missing)}"
    if set(values) - set(names.known):
        return f"{broker} knows only {', '.join(names.known)}; other names were given, too"
    for name, value in values.items():
        if trouble := _value_trouble(name, value):
            return f"{name} {trouble}"
    return ""


def credential_hint(values: Mapping[str, str]) -> str:
    """Return the last characters of the API key, or "" where they would be much of it."""
    key = values.get("api_key", "")
    return key[-_HINT_LENGTH:] if len(key) >= 2 * _HINT_LENGTH else ""


def _value_trouble(name: str, value: str) -> str:
    if not 1 <= len(value) <= LONGEST:
        return f"must have 1 to {LONGEST} characters"
    if not (value.isascii() and value.isprintable()) or " " in value:
        return "may hold letters, digits and signs only, no spaces; copy it again"
    check = _SHAPES.get(name)
    return check(value) if check else ""


def _totp_secret_trouble(value: str) -> str:
    try:
        secret = base64.b32decode(value.upper() + "=" * (-len(value) % 8))
    except ValueError:
        secret = b""
    return "" if secret else "must be the base 32 text beside the QR code, not a six-digit code"


def _static_ip_trouble(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return "must be an IP address, such as 203.0.113.7"
    return ""


_SHAPES: dict[str, Callable[[str], str]] = {
    "totp_secret": _totp_secret_trouble,
    "static_ip": _static_ip_trouble,
}
