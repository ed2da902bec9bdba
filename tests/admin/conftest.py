"""A superuser with a proven second factor, as the admin requires."""

import pytest
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY

from apps.accounts.models import User
from tests.factories.accounts import TOTPDeviceFactory, UserFactory


def verified_client(user: User) -> Client:
    device = TOTPDeviceFactory(user=user)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


@pytest.fixture
def superuser(db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def superuser_client(superuser: User) -> Client:
    return verified_client(superuser)
