"""A person with a password, before and after they have an authenticator."""

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.models import User
from tests.factories.accounts import TOTPDeviceFactory, UserFactory


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def user(db: None) -> User:
    return UserFactory(email="tara@desk.example")


@pytest.fixture
def device(user: User) -> TOTPDevice:
    return TOTPDeviceFactory(user=user)
