"""What a person typed wrong is said in words that hold nothing of it."""

import pytest

from apps.accounts.domain.credentials import credential_hint, credential_values_check

BYBIT = {"api_key": "abcdefgh1234", "api_secret": "s"}
ANGELONE = {
    "api_key": "abcdefgh",
    "client_code": "A123456",
    "pin": "1234",
    "totp_secret": "jbswy3dpehpk3pxp",
}


@pytest.mark.parametrize(
    ("broker", "values"),
    [
        ("BYBIT", BYBIT),
        ("ANGELONE", ANGELONE),
        ("ANGELONE", {**ANGELONE, "static_ip": "203.0.113.7"}),
        ("ANGELONE", {**ANGELONE, "static_ip": "2001:db8::7"}),
        ("ANGELONE", {**ANGELONE, "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEI"}),
    ],
)
def test_what_a_broker_gives_its_clients_is_taken(broker: str, values: dict[str, str]) -> None:
    assert credential_values_check(broker, values) == ""


@pytest.mark.parametrize(
    ("broker", "values", "sentence"),
    [
        ("PAPER", BYBIT, "an account at PAPER needs no credential"),
        ("BYBIT", {}, "missing: api_key, api_secret"),
        ("BYBIT", {**BYBIT, "api_secret": ""}, "missing: api_secret"),
        ("BYBIT", {**BYBIT, "static_ip": "203.0.113.7"}, "knows only api_key, api_secret"),
        ("BYBIT", {**BYBIT, "api_key": "two words"}, "api_key may hold letters, digits"),
        ("BYBIT", {**BYBIT, "api_key": "tab\tkey"}, "api_key may hold letters, digits"),
        ("BYBIT", {**BYBIT, "api_secret": "x" * 257}, "api_secret must have 1 to 256"),
        ("ANGELONE", {**ANGELONE, "totp_secret": "123456"}, "totp_secret must be the base 32"),
        ("ANGELONE", {**ANGELONE, "static_ip": "router"}, "static_ip must be an IP address"),
        ("ANGELONE", {**ANGELONE, "static_ip": "203.0.113.0/24"}, "static_ip must be an IP"),
    ],
)
def test_what_does_not_fit_is_named(broker: str, values: dict[str, str], sentence: str) -> None:
    assert sentence in credential_values_check(broker, values)


@pytest.mark.parametrize(
    ("key", "hint"), [("abcdefgh1234", "1234"), ("12345678", "5678"), ("1234567", ""), ("", "")]
)
def test_a_hint_never_shows_more_than_half_of_a_key(key: str, hint: str) -> None:
    assert credential_hint({"api_key": key}) == hint
