"""A superuser with a proven second factor, as the admin requires."""

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.sessions import signed_in


@pytest.fixture
def superuser(db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def superuser_client(superuser: User) -> Client:
    return signed_in(superuser)
