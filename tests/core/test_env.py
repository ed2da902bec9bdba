"""A configuration error stops the process with a sentence that says how to correct it."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tradingsite import env

PROJECT_DIR = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in env.VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_an_unknown_name_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"DESK_HTP_PORT.*Did you mean DESK_HTTP_PORT"):
        env.env_check({"DESK_HTP_PORT": "8000"})


def test_an_unknown_name_without_neighbours_is_refused_too() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"nothing reads it\. Unset it"):
        env.env_check({"DESK_QQQQQQQQQQQQ": "1"})


def test_known_names_their_file_forms_and_other_programs_names_pass() -> None:
    env.env_check({"DESK_HTTP_PORT": "1", "DESK_SECRET_KEY_FILE": "/run/key", "DESKTOP": "x"})


@pytest.mark.parametrize("value", ["", "eight", "8.5", "1e3", "0", "65536", "-1"])
def test_a_malformed_port_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DESK_HTTP_PORT", value)
    if not value:
        assert env.env_integer("DESK_HTTP_PORT", minimum=1, maximum=65535) == 8000
        return
    with pytest.raises(ImproperlyConfigured, match="DESK_HTTP_PORT must be"):
        env.env_integer("DESK_HTTP_PORT", minimum=1, maximum=65535)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-0.1", "five"])
def test_a_malformed_decimal_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DESK_LEASE_SECONDS", value)
    with pytest.raises(ImproperlyConfigured, match="DESK_LEASE_SECONDS must be"):
        env.env_decimal("DESK_LEASE_SECONDS")


def test_a_decimal_is_read_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_LEASE_SECONDS", " 2.50 ")
    assert env.env_decimal("DESK_LEASE_SECONDS") == Decimal("2.50")


def test_a_value_outside_the_choices_is_refused_with_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESK_LOG_LEVEL", "debug")
    with pytest.raises(ImproperlyConfigured, match="one of DEBUG, INFO, was 'debug'"):
        env.env_choice("DESK_LOG_LEVEL", ("DEBUG", "INFO"))


@pytest.mark.parametrize("value", ["mysql://host/name", "postgresql:", "host/name", "pg://[::1"])
def test_a_malformed_url_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", value.replace("//", "//user:hunter2@", 1))
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refusal:
        env.env_url("DATABASE_URL", schemes=("postgresql",))
    assert "hunter2" not in str(refusal.value)


def test_a_url_that_is_not_set_is_none_and_a_good_one_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert env.env_url("REDIS_URL", schemes=("redis",)) is None
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379/0")
    assert env.env_url("REDIS_URL", schemes=("redis",)) == "redis://cache:6379/0"


def test_a_required_variable_that_is_missing_is_explained() -> None:
    with pytest.raises(ImproperlyConfigured, match="DESK_SECRET_KEY must be set: Signs sessions"):
        env.env_required("DESK_SECRET_KEY")


def test_a_secret_is_read_from_the_file_that_its_file_form_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("DESK_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert env.env_text("DESK_SECRET_KEY") == "from the file"


def test_a_file_form_that_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DESK_SECRET_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match=r"DESK_SECRET_KEY_FILE cannot be read"):
        env.env_text("DESK_SECRET_KEY")


def test_both_forms_at_once_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESK_SECRET_KEY", "a")
    monkeypatch.setenv("DESK_SECRET_KEY_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env.env_text("DESK_SECRET_KEY")


def test_a_list_skips_empty_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_ALLOWED_HOSTS", " desk.example, ,localhost,")
    assert env.env_list("DESK_ALLOWED_HOSTS") == ["desk.example", "localhost"]


def test_the_example_environment_names_every_variable_and_no_other() -> None:
    text = (PROJECT_DIR / "config" / "env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^# ([A-Z_]+)=", text, re.MULTILINE))
    assert named == set(env.VARIABLES)
