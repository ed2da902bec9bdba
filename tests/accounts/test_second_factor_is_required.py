"""Whoever has not proved a second factor sees no page, no admin and no API."""

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Authenticator, User
from apps.core.models import AuditEvent
from tests.factories.accounts import TOTPDeviceFactory, UserFactory
from tests.sessions import BACKEND, signed_in

PAGES = ["/", "/orders/", "/dashboard/body/", "/password/", "/admin/"]


@pytest.fixture
def password_only(client: Client, user: User) -> Client:
    client.force_login(user, backend=BACKEND)
    return client


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.django_db
def test_a_stranger_is_asked_to_sign_in(client: Client, page: str) -> None:
    response = client.get(page)
    if page == "/admin/":
        assert response["Location"] == "/admin/login/?next=/admin/"
        response = client.get(response["Location"])

    assert response["Location"].startswith("/sign-in/?next=%2F") or (
        response["Location"] == f"/sign-in/?next={page}"
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_password_alone_leads_to_the_enrolment_and_back(password_only: Client, page: str) -> None:
    response = password_only.get(page)

    assert response["Location"] == f"/second-factor/?next={page.replace('/', '%2F')}"


def test_a_password_alone_starts_nothing(password_only: Client) -> None:
    response = password_only.post("/deployments/1/start/")

    assert response["Location"].startswith("/second-factor/")


def test_a_password_alone_opens_no_api(password_only: Client) -> None:
    response = password_only.get("/api/v1/orders/")

    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    assert "Set it up at /second-factor/" in response.json()["detail"]


def test_signing_out_stays_possible(password_only: Client) -> None:
    assert password_only.post("/sign-out/")["Location"] == "/sign-in/"
    assert SESSION_KEY not in password_only.session


@pytest.mark.parametrize("page", ["/", "/second-factor/"])
def test_a_session_older_than_the_enrolment_ends_on_the_record(
    password_only: Client, user: User, page: str
) -> None:
    TOTPDeviceFactory(user=user)

    assert password_only.get(page)["Location"] == f"/sign-in/?next={page}"
    assert SESSION_KEY not in password_only.session
    event = AuditEvent.objects.get()
    assert event.action == "user.signed_out"
    assert event.reason == "the second factor has changed since"


def test_a_session_older_than_the_enrolment_is_nobody_to_the_api(
    password_only: Client, user: User
) -> None:
    TOTPDeviceFactory(user=user)

    assert password_only.get("/api/v1/orders/").status_code == 401


def test_a_device_that_was_reset_ends_what_it_had_opened(user: User) -> None:
    browser = signed_in(user)
    Authenticator.objects.filter(user=user).delete()

    assert browser.get("/")["Location"] == "/sign-in/?next=/"
    assert SESSION_KEY not in browser.session


def test_a_device_of_somebody_else_proves_nothing(user: User) -> None:
    browser = signed_in(user)
    session = browser.session
    session["otp_device_id"] = TOTPDeviceFactory(user=UserFactory()).persistent_id
    session.save()

    assert browser.get("/")["Location"] == "/sign-in/?next=/"


def test_a_proven_session_costs_three_queries(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = signed_in(user)
    with django_assert_num_queries(3):  # session, person, device
        browser.get("/sign-in/")
