"""The first step: e-mail and password, and what it never gives away."""

from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Authenticator, User
from apps.core.models import AuditEvent
from tests.factories.accounts import PASSWORD
from tests.sessions import signed_in, totp_code

URL = "/sign-in/"
WRONG = "E-mail or password is wrong."


def post(client: Client, **changes: str) -> Any:
    return client.post(URL, {"username": "tara@desk.example", "password": PASSWORD, **changes})


def is_signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


@pytest.mark.usefixtures("user")
def test_a_person_without_a_second_factor_is_signed_in_and_sent_to_set_one_up(
    client: Client,
) -> None:
    response = client.post(
        URL, {"username": "tara@desk.example", "password": PASSWORD}, follow=True
    )

    assert response.redirect_chain[-1][0] == "/second-factor/?next=%2F"
    assert "Set up the second factor" in response.content.decode()
    assert AuditEvent.objects.get().details == {"proof": "password"}


@pytest.mark.parametrize("email", ["TARA@desk.example", "  tara@DESK.EXAMPLE "])
@pytest.mark.usefixtures("user")
def test_the_case_of_the_address_does_not_matter(client: Client, email: str) -> None:
    post(client, username=email)

    assert is_signed_in(client)


@pytest.mark.usefixtures("device")
def test_a_person_with_a_second_factor_has_no_session_before_the_code(client: Client) -> None:
    response = post(client)

    assert response["Location"] == reverse("accounts:second_factor")
    assert not is_signed_in(client)
    assert client.get("/")["Location"] == "/sign-in/?next=/"
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"password": "not it"}, {"username": "nobody@desk.example"}, {"password": ""}]
)
@pytest.mark.usefixtures("user")
def test_what_is_wrong_signs_nobody_in(client: Client, changes: dict[str, str]) -> None:
    response = post(client, **changes)

    assert response.status_code == 200
    assert not is_signed_in(client)
    assert not AuditEvent.objects.exists()


def test_a_wrong_password_an_unknown_address_and_an_inactive_person_read_alike(
    client: Client, user: User
) -> None:
    def answer(**changes: str) -> str:
        page = post(client, **changes).content.decode()
        start = page.index('<div class="alert')
        return str(page[start : page.index("</div>", start)])

    answers = {answer(password="not it"), answer(username="nobody@desk.example")}
    user.is_active = False
    user.save()
    answers.add(answer())

    assert len(answers) == 1
    assert WRONG in answers.pop()


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"],
)
def test_nobody_is_led_to_another_host_after_the_code(
    client: Client, device: Authenticator, wanted: str
) -> None:
    post(client, next=wanted)
    response = client.post(reverse("accounts:second_factor"), {"code": totp_code(device)})

    assert response["Location"] == "/"


def test_what_was_wanted_waits_until_after_the_code(client: Client, device: Authenticator) -> None:
    post(client, next="/orders/?status=FILLED")
    response = client.post(reverse("accounts:second_factor"), {"code": totp_code(device)})

    assert response["Location"] == "/orders/?status=FILLED"


@pytest.mark.usefixtures("user")
def test_a_form_of_another_site_signs_nobody_in(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert post(strict).status_code == 403
    assert not is_signed_in(strict)


def test_a_person_who_is_signed_in_goes_on_to_the_desk(user: User) -> None:
    assert signed_in(user).get(URL)["Location"] == "/"


def test_signing_out_ends_the_session_and_is_recorded(user: User) -> None:
    browser = signed_in(user)

    assert browser.post("/sign-out/")["Location"] == URL
    assert not is_signed_in(browser)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id) == ("user.signed_out", user.pk)


def test_a_link_signs_nobody_out(user: User) -> None:
    browser = signed_in(user)

    assert browser.get("/sign-out/").status_code == 405
    assert is_signed_in(browser)


@pytest.mark.django_db
def test_signing_out_without_a_session_records_nothing(client: Client) -> None:
    assert client.post("/sign-out/").status_code == 302
    assert not AuditEvent.objects.exists()
