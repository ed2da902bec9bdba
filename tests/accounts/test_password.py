"""A person changes their own password, by the rules, and other sessions end."""

from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from apps.accounts.models import User
from apps.core.models import AuditEvent
from tests.factories.accounts import PASSWORD
from tests.sessions import signed_in

URL = "/password/"
NEW = "seven wet umbrellas"


def post(client: Client, **changes: str) -> Any:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **changes}
    return client.post(URL, form)


def test_a_new_password_is_stored_recorded_and_keeps_only_this_session(user: User) -> None:
    here, elsewhere = signed_in(user), signed_in(user)

    assert post(here)["Location"] == "/"
    user.refresh_from_db()
    assert check_password(NEW, user.password)
    assert here.get("/").status_code == 200
    assert elsewhere.get("/")["Location"] == "/sign-in/?next=/"
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.details) == (
        "user.password_changed",
        user.pk,
        {},
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"old_password": "not it"},
        {"new_password2": "seven dry umbrellas"},
        {"new_password1": "short", "new_password2": "short"},
        {"new_password1": "", "new_password2": ""},
    ],
)
def test_what_does_not_fit_changes_nothing(user: User, changes: dict[str, str]) -> None:
    browser = signed_in(user)
    response = post(browser, **changes)

    assert response.status_code == 200
    assert 'class="text-danger' in response.content.decode()
    user.refresh_from_db()
    assert check_password(PASSWORD, user.password)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("elevenchars", "at least 12 characters"),
        ("tara@desk.example", "too similar to the email"),
        ("q1w2e3r4t5y6", "too common"),
        ("492837465019", "entirely numeric"),
    ],
)
def test_a_weak_password_is_refused_with_the_rule_it_breaks(
    user: User, password: str, why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        validate_password(password, user)
