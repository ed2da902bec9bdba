"""The second step: a code of the authenticator or a recovery code, each once."""

import time
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken

from apps.accounts.models import Authenticator, User
from apps.accounts.views import PENDING_SECONDS
from apps.core.models import AuditEvent
from tests.factories.accounts import PASSWORD, StaticTokenFactory, TOTPDeviceFactory, UserFactory
from tests.sessions import totp_code

URL = "/sign-in/code/"


@pytest.fixture
def halfway(client: Client, device: Authenticator) -> Client:
    """Return a browser that has given the right password."""
    client.post("/sign-in/", {"username": "tara@desk.example", "password": PASSWORD})
    return client


@pytest.fixture
def recovery_code(user: User) -> str:
    token = StaticTokenFactory(device__user=user, device__name="Recovery codes", token="abcd2345")
    return str(token.code)


def post(client: Client, code: str) -> Any:
    return client.post(URL, {"code": code})


def is_signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def is_refused(response: Any, why: str) -> bool:
    return response.status_code == 200 and why in response.content.decode()


def test_the_right_code_signs_in_under_a_new_session_key_and_is_recorded(
    halfway: Client, user: User, device: Authenticator
) -> None:
    key_before = halfway.session.session_key
    response = post(halfway, totp_code(device))

    assert response["Location"] == "/"
    assert halfway.session.session_key != key_before
    assert halfway.get("/").status_code == 200
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id) == ("user.signed_in", user.pk)
    assert event.details == {"proof": "Authenticator"}


def test_spaces_in_a_code_do_not_matter(halfway: Client, device: Authenticator) -> None:
    code = totp_code(device)
    post(halfway, f" {code[:3]} {code[3:]} ")

    assert is_signed_in(halfway)


def test_a_wrong_code_signs_nobody_in(halfway: Client, device: Authenticator) -> None:
    wrong = f"{(int(totp_code(device)) + 1) % 10**6:06d}"

    assert is_refused(post(halfway, wrong), "That code is not right")
    assert not is_signed_in(halfway)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "x" * 33])
def test_what_is_no_code_signs_nobody_in(halfway: Client, code: str) -> None:
    assert post(halfway, code).status_code == 200
    assert not is_signed_in(halfway)


def test_a_code_passes_once(halfway: Client, device: Authenticator) -> None:
    code = totp_code(device)
    post(halfway, code)
    other = Client()
    other.post("/sign-in/", {"username": "tara@desk.example", "password": PASSWORD})

    assert is_refused(post(other, code), "That code is not right")
    assert not is_signed_in(other)
    post(other, totp_code(device, steps_ahead=1))
    assert not is_signed_in(other), "right after a wrong code every code has to wait"


def test_after_wrong_codes_even_the_right_one_waits(halfway: Client, device: Authenticator) -> None:
    for _ in range(3):
        Authenticator.objects.update(throttling_failure_timestamp=None)
        post(halfway, "000000")

    response = post(halfway, totp_code(device))

    assert is_refused(response, "Too many wrong codes. Wait")
    assert not is_signed_in(halfway)


def test_a_recovery_code_works_once_and_its_use_is_recorded(
    halfway: Client, recovery_code: str
) -> None:
    post(halfway, recovery_code.upper())

    assert is_signed_in(halfway)
    assert not StaticToken.objects.exists()
    used, signed_in = AuditEvent.objects.order_by("id")
    assert (used.action, used.details) == ("user.recovery_code_used", {"codes_left": 0})
    assert signed_in.details == {"proof": "Recovery codes"}

    again = Client()
    again.post("/sign-in/", {"username": "tara@desk.example", "password": PASSWORD})
    assert is_refused(post(again, recovery_code), "That code is not right")
    assert not is_signed_in(again)


def test_a_code_of_somebody_else_is_refused(halfway: Client) -> None:
    other = TOTPDeviceFactory()
    StaticTokenFactory(device__user=other.user, token="wxyz6789")

    post(halfway, totp_code(other))
    post(halfway, "wxyz6789")

    assert not is_signed_in(halfway)
    assert StaticToken.objects.count() == 1


def test_the_code_page_is_closed_to_who_has_given_no_password(
    client: Client, device: Authenticator
) -> None:
    response = client.post(URL, {"code": totp_code(device)}, follow=True)

    assert response.redirect_chain == [("/sign-in/", 302)]
    assert "The sign-in took too long. Start again." in response.content.decode()
    assert not is_signed_in(client)


def test_a_password_waits_five_minutes_for_its_code(
    halfway: Client, device: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_late = time.time() + PENDING_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: too_late)

    assert halfway.get(URL)["Location"] == "/sign-in/"
    assert not is_signed_in(halfway)


def test_a_new_password_in_between_ends_the_sign_in(
    halfway: Client, user: User, device: Authenticator
) -> None:
    user.set_password("another password by now")
    user.save()

    assert post(halfway, totp_code(device))["Location"] == "/sign-in/"
    assert not is_signed_in(halfway)


def test_a_person_who_was_switched_off_in_between_does_not_get_in(
    halfway: Client, user: User, device: Authenticator
) -> None:
    user.is_active = False
    user.save()

    assert post(halfway, totp_code(device))["Location"] == "/sign-in/"
    assert not is_signed_in(halfway)


def test_one_right_password_is_good_for_one_sign_in(halfway: Client, device: Authenticator) -> None:
    post(halfway, totp_code(device))
    halfway.post("/sign-out/")

    assert post(halfway, totp_code(device, steps_ahead=1))["Location"] == "/sign-in/"
    assert not is_signed_in(halfway)


def test_the_right_password_of_one_person_does_not_open_the_code_page_of_another(
    halfway: Client,
) -> None:
    other = TOTPDeviceFactory(user=UserFactory(email="rita@desk.example"))
    post(halfway, totp_code(other))

    assert not is_signed_in(halfway)
