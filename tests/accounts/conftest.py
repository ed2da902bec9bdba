"""A person with a password, before and after they have an authenticator."""

import pytest
from django.test import Client

from apps.accounts.models import Authenticator, User
from apps.accounts.roles import Role
from tests.factories.accounts import TOTPDeviceFactory
from tests.sessions import person


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def user(db: None) -> User:
    return person(Role.TRADER, email="tara@desk.example")


@pytest.fixture
def device(user: User) -> Authenticator:
    return TOTPDeviceFactory(user=user)
