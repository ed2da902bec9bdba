"""The admin opens to staff with a proven second factor, and shows others the way there."""

import pytest
from django.test import Client

from apps.accounts.roles import Role
from tests.factories.accounts import PASSWORD, TOTPDeviceFactory, UserFactory
from tests.sessions import BACKEND, person, signed_in, totp_code

pytestmark = pytest.mark.django_db
INDEX = "/admin/"


def test_a_stranger_signs_in_by_the_desks_own_page_and_comes_back(client: Client) -> None:
    device = TOTPDeviceFactory(user=UserFactory(email="rita@desk.example", is_staff=True))
    first = client.get(INDEX)
    second = client.get(first["Location"])

    assert second["Location"] == "/sign-in/?next=%2Fadmin%2F"
    client.post(
        second["Location"], {"username": "rita@desk.example", "password": PASSWORD, "next": INDEX}
    )
    assert client.get(INDEX).status_code == 302, "a password alone does not open it"
    after = client.post("/sign-in/code/", {"code": totp_code(device)})
    assert after["Location"] == INDEX
    assert client.get(INDEX).status_code == 200


def test_staff_without_a_second_factor_set_one_up_first(client: Client) -> None:
    client.force_login(UserFactory(is_staff=True, is_superuser=True), backend=BACKEND)

    assert client.get(INDEX)["Location"] == "/second-factor/?next=%2Fadmin%2F"


def test_who_is_not_staff_is_refused_with_the_reason() -> None:
    response = signed_in(person(Role.TRADER)).get(INDEX, follow=True)

    assert response.status_code == 403
    assert "The admin is for staff" in response.content.decode()


def test_who_is_in_already_is_not_asked_again() -> None:
    browser = signed_in(UserFactory(is_staff=True))

    assert browser.get("/admin/login/")["Location"] == INDEX


def test_it_is_left_by_the_desks_own_door() -> None:
    browser = signed_in(UserFactory(is_staff=True))

    assert browser.get("/admin/logout/")["Location"] == INDEX
    response = browser.post("/admin/logout/", follow=True)
    assert response.redirect_chain == [("/sign-out/", 307), ("/sign-in/", 302)]
    assert browser.get(INDEX)["Location"].startswith("/admin/login/")


def test_tables_stand_in_the_order_in_which_a_trade_lives() -> None:
    response = signed_in(UserFactory(is_staff=True, is_superuser=True)).get(INDEX)
    shown = [app["app_label"] for app in response.context["app_list"]]

    assert shown[:5] == ["core", "accounts", "marketdata", "strategies", "risk"]
    assert set(shown[-2:]) & {"axes", "auditlog", "auth", "django_celery_beat"}


@pytest.mark.parametrize(
    ("role", "sees", "sees_not"),
    [
        (Role.RISK, {"Risk limits", "Breaks", "Orders"}, {"Access attempts"}),
        (Role.COMPLIANCE, {"Audit events", "Breaks", "Orders"}, {"Periodic tasks"}),
        (Role.OPERATOR, {"Users", "Access attempts", "Periodic tasks"}, set()),
        (Role.AUDITOR, {"Audit events", "Ledger transactions"}, {"Periodic tasks"}),
        (Role.TRADER, {"Orders", "Deployments"}, {"Audit events", "Users"}),
    ],
)
def test_a_role_finds_its_tables(role: Role, sees: set[str], sees_not: set[str]) -> None:
    response = signed_in(person(role, is_staff=True)).get(INDEX)
    shown = {model["name"] for app in response.context["app_list"] for model in app["models"]}

    assert sees <= shown
    assert not sees_not & shown
