"""A trader with an account, a stranger with another, and a request count of each test's own."""

from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from tests.factories.accounts import TradingAccountFactory
from tests.sessions import person, signed_in


@pytest.fixture(autouse=True)
def requests_are_counted_per_test(settings: Settings) -> None:
    cache = {**settings.CACHES["default"], "KEY_PREFIX": uuid4().hex}
    settings.CACHES = {"default": cache}


@pytest.fixture
def account(db: None) -> TradingAccount:
    return TradingAccountFactory(name="alpha")


@pytest.fixture
def other_account(db: None) -> TradingAccount:
    return TradingAccountFactory(name="beta")


@pytest.fixture
def trader(account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(account,)))


@pytest.fixture
def stranger(other_account: TradingAccount) -> Client:
    return signed_in(person(Role.TRADER, member_of=(other_account,)))


@pytest.fixture
def auditor(db: None) -> Client:
    return signed_in(person(Role.AUDITOR))
