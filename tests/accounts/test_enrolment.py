"""How a person gets an authenticator and recovery codes, and new codes later."""

import re
from base64 import b32decode
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken

from apps.accounts.models import Authenticator, RecoveryCode, User
from apps.accounts.services import CodeRefused, second_factor_reset, second_factor_start
from apps.core.models import AuditEvent
from tests.factories.accounts import PASSWORD, TOTPDeviceFactory, UserFactory
from tests.sessions import signed_in, totp_code

URL = "/second-factor/"
CODES_URL = "/second-factor/recovery-codes/"


@pytest.fixture
def newcomer(client: Client, user: User) -> Client:
    """Return a browser that has given a password and has no second factor."""
    client.post("/sign-in/", {"username": user.email, "password": PASSWORD})
    return client


def codes_on(response: Any) -> list[str]:
    return re.findall(r"<li><code>([a-z2-7]+)</code></li>", response.content.decode())


def secret_on(page: str) -> str:
    return "".join(re.findall(r"<span>([A-Z2-7]{1,4})</span>", page))


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_the_page_shows_a_qr_code_and_the_same_secret_to_type(newcomer: Client) -> None:
    page = newcomer.get(URL).content.decode()

    device = Authenticator.objects.get()
    assert not device.confirmed
    assert "<svg" in page
    assert b32decode(secret_on(page)) == device.bin_key


def test_asked_again_it_shows_the_same_secret(newcomer: Client) -> None:
    first, second = (secret_on(newcomer.get(URL).content.decode()) for _ in range(2))

    assert len(first) == 32
    assert first == second


def test_the_first_code_turns_it_on_and_shows_ten_recovery_codes_once(
    newcomer: Client, user: User
) -> None:
    newcomer.get(URL)
    device = Authenticator.objects.get()
    response = newcomer.post(URL, {"code": totp_code(device)})

    codes = codes_on(response)
    assert len(set(codes)) == 10
    assert {each.code for each in RecoveryCode.objects.all()} == set(codes)
    device.refresh_from_db()
    assert device.confirmed
    assert actions() == ["user.signed_in", "user.second_factor_enrolled"]
    assert newcomer.get("/").status_code == 200
    assert codes_on(newcomer.get(URL)) == []
    assert "10 recovery codes are left" in newcomer.get(URL).content.decode()


def test_a_wrong_first_code_turns_nothing_on(newcomer: Client) -> None:
    newcomer.get(URL)
    device = Authenticator.objects.get()
    wrong = f"{(int(totp_code(device)) + 1) % 10**6:06d}"
    response = newcomer.post(URL, {"code": wrong})

    assert "That code is not right" in response.content.decode()
    assert not Authenticator.objects.get().confirmed
    assert not StaticToken.objects.exists()
    assert actions() == ["user.signed_in"]


def test_a_code_without_a_page_before_it_is_refused(newcomer: Client) -> None:
    response = newcomer.post(URL, {"code": "123456"})

    assert "That code is not right" in response.content.decode()
    assert not Authenticator.objects.filter(confirmed=True).exists()


def test_afterwards_it_leads_to_what_was_wanted_on_this_host_only(newcomer: Client) -> None:
    newcomer.get(URL)
    device = Authenticator.objects.get()
    response = newcomer.post(URL, {"code": totp_code(device), "next": "https://evil.example/"})

    assert 'href="/"' in response.content.decode()
    assert "evil.example" not in response.content.decode()


def test_who_has_one_is_told_so_and_gets_no_new_secret(user: User) -> None:
    browser = signed_in(user)
    page = browser.get(URL).content.decode()

    assert "It is <strong>on</strong>" in page
    assert "<svg" not in page
    with pytest.raises(CodeRefused, match="set up already"):
        second_factor_start(user=user)


def test_a_second_enrolment_over_the_first_is_refused(user: User) -> None:
    browser = signed_in(user)
    device = Authenticator.objects.get()
    page = browser.post(URL, {"code": totp_code(device)}).content.decode()

    assert "It is <strong>on</strong>" in page
    assert not StaticToken.objects.exists()
    assert actions() == []


def test_new_recovery_codes_replace_the_old_ones_against_a_code(user: User) -> None:
    browser = signed_in(user)
    device = Authenticator.objects.get()
    first = codes_on(browser.post(CODES_URL, {"code": totp_code(device)}))
    second = codes_on(browser.post(CODES_URL, {"code": totp_code(device, steps_ahead=1)}))

    assert len(first) == len(second) == 10
    assert {each.code for each in RecoveryCode.objects.all()} == set(second)
    assert actions() == ["user.recovery_codes_renewed"] * 2


@pytest.mark.parametrize("code", ["", "000000"])
def test_without_a_right_code_the_old_recovery_codes_stay(user: User, code: str) -> None:
    browser = signed_in(user)
    response = browser.post(CODES_URL, {"code": code})

    assert codes_on(response) == []
    assert "It is <strong>on</strong>" in response.content.decode()
    assert actions() == []


def test_an_operator_resets_a_second_factor_on_the_record(user: User) -> None:
    TOTPDeviceFactory(user=user)
    operator = UserFactory()
    second_factor_reset(user=user, actor=operator, reason="the phone is lost")

    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id) == ("user.second_factor_reset", operator.pk)
    assert event.reason == "the phone is lost"
