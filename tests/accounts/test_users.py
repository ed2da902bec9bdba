"""One address, one person, whatever the case of its letters."""

import pytest
from django.db import IntegrityError

from apps.accounts.models import User
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def test_an_address_is_stored_in_one_spelling() -> None:
    user = User.objects.create_user(" Tara@Desk.Example ", "a password")

    assert user.email == "tara@desk.example"
    assert str(user) == "tara@desk.example"
    assert User.objects.get_by_natural_key("TARA@DESK.example") == user
    assert not user.is_staff
    assert not user.is_superuser


def test_the_same_address_in_another_case_is_refused_by_the_database() -> None:
    UserFactory(email="tara@desk.example")
    with pytest.raises(IntegrityError, match="user_email_once"):
        UserFactory(email="Tara@desk.example")


@pytest.mark.parametrize("email", ["", "  "])
def test_nobody_is_stored_without_an_address(email: str) -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user(email)
    assert not User.objects.exists()


def test_the_first_person_of_an_installation_may_do_everything() -> None:
    user = User.objects.create_superuser("root@desk.example", "a password")

    assert user.is_staff
    assert user.has_perm("risk.change_risklimit")


def test_a_person_without_a_password_cannot_sign_in_with_one() -> None:
    assert not User.objects.create_user("tara@desk.example").has_usable_password()
