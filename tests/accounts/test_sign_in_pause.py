"""Five failures of one address from one place pause its sign-in from there."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import SESSION_KEY
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import lockout_end
from apps.core.models import AuditEvent
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.usefixtures("user")


def post(client: Client, password: str, **extra: Any) -> Any:
    email = extra.pop("email", "tara@desk.example")
    return client.post("/sign-in/", {"username": email, "password": password}, **extra)


def fail_often(client: Client, times: int = 5, **extra: Any) -> Any:
    for _ in range(times):
        response = post(client, "not it", **extra)
    return response


def test_the_fifth_failure_brings_a_page_that_says_how_long_and_what_to_do(client: Client) -> None:
    response = fail_often(client)

    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    page = response.content.decode()
    assert "<strong>15 minutes</strong>" in page
    assert "An operator can end the pause" in page


def test_the_right_password_does_not_help_during_the_pause(client: Client) -> None:
    fail_often(client)

    assert post(client, PASSWORD).status_code == 429
    assert SESSION_KEY not in client.session


def test_failures_count_together_whatever_the_case_of_the_address(client: Client) -> None:
    fail_often(client, 2)
    fail_often(client, 2, email="TARA@desk.example")

    assert post(client, "not it", email=" Tara@Desk.Example").status_code == 429


def test_a_program_gets_a_problem_document(client: Client) -> None:
    response = fail_often(client, headers={"accept": "application/json"})

    assert response.status_code == 429
    assert response["Content-Type"] == "application/problem+json"
    assert int(response["Retry-After"]) >= 900
    assert response.json()["type"] == "urn:tradingsite:problem:too-many-requests"
    assert "tara" not in response.content.decode()


def test_four_failures_and_a_success_start_the_count_again(client: Client) -> None:
    fail_often(client, 4)
    assert post(client, PASSWORD).status_code == 302

    assert fail_often(Client(), 4).status_code == 200


def test_others_and_other_places_are_not_held_up(client: Client) -> None:
    UserFactory(email="rita@desk.example")
    fail_often(client)

    assert post(Client(), PASSWORD, email="rita@desk.example").status_code == 302
    assert post(Client(REMOTE_ADDR="192.0.2.7"), PASSWORD).status_code == 302


def test_a_forged_forwarding_header_does_not_count_as_another_place(client: Client) -> None:
    for number in range(5):
        response = post(client, "not it", headers={"x-forwarded-for": f"192.0.2.{number}"})

    assert response.status_code == 429


def test_an_operator_ends_the_pause_on_the_record(client: Client) -> None:
    operator = UserFactory()
    fail_often(client)
    lockout_end(attempt=AccessAttempt.objects.get(), actor=operator)

    assert post(client, PASSWORD).status_code == 302
    event = AuditEvent.objects.get(action="sign_in.lockout_ended")
    assert event.actor_id == operator.pk
    assert event.details == {"username": "tara@desk.example", "ip_address": "127.0.0.1"}


def test_the_password_is_kept_nowhere(client: Client) -> None:
    post(client, "a secret that was mistyped")

    stored = AccessAttempt.objects.values().get()
    assert "a secret that was mistyped" not in str(stored)
    assert User.objects.count() == 1
