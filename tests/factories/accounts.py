"""Rows of apps.accounts, and the devices of the second factor."""

from collections.abc import Mapping
from typing import Any

import factory
from django.contrib.auth.models import Group

from apps.accounts.models import (
    AccountMembership,
    Authenticator,
    Broker,
    BrokerCredential,
    RecoveryCode,
    RecoveryCodes,
    TradingAccount,
    TradingMode,
    User,
)
from apps.accounts.services import credential_approve, credential_store
from tests.factories.base import RowFactory

PASSWORD = "a password for tests only"


class UserFactory(RowFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person-{n}@desk.example")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password(PASSWORD)


class GroupFactory(RowFactory[Group]):
    class Meta:
        model = Group
        django_get_or_create = ("name",)

    name = "trader"


class TradingAccountFactory(RowFactory[TradingAccount]):
    class Meta:
        model = TradingAccount

    name = factory.Sequence(lambda n: f"paper-{n}")
    broker = Broker.PAPER
    mode = TradingMode.PAPER
    base_currency = "USDT"


class AccountMembershipFactory(RowFactory[AccountMembership]):
    class Meta:
        model = AccountMembership

    account = factory.SubFactory(TradingAccountFactory)
    user = factory.SubFactory(UserFactory)


BYBIT_VALUES = {"api_key": "a-key-for-tests", "api_secret": "a-secret-for-tests"}


class BrokerCredentialFactory(RowFactory[BrokerCredential]):
    """A proposal, unless it says otherwise."""

    class Meta:
        model = BrokerCredential

    account = factory.SubFactory(TradingAccountFactory, broker=Broker.BYBIT, mode=TradingMode.LIVE)
    by = factory.SubFactory(UserFactory)
    values = factory.LazyFunction(BYBIT_VALUES.copy)

    @classmethod
    def _create(
        cls, model_class: type[BrokerCredential], *args: Any, **kwargs: Any
    ) -> BrokerCredential:
        assert model_class is BrokerCredential
        return credential_store(*args, **kwargs)


def credential_in_use(
    account: TradingAccount, values: Mapping[str, str], **more: Any
) -> BrokerCredential:
    """Give an account a credential that two people have agreed on."""
    credential = credential_store(account=account, values=values, by=UserFactory(), **more)
    if credential.state == BrokerCredential.State.ACTIVE:
        return credential
    return credential_approve(credential=credential, by=UserFactory())


class TOTPDeviceFactory(RowFactory[Authenticator]):
    class Meta:
        model = Authenticator

    user = factory.SubFactory(UserFactory)
    name = "Authenticator"
    confirmed = True


class StaticDeviceFactory(RowFactory[RecoveryCodes]):
    class Meta:
        model = RecoveryCodes

    user = factory.SubFactory(UserFactory)
    name = "Recovery codes"
    confirmed = True


class StaticTokenFactory(RowFactory[RecoveryCode]):
    class Meta:
        model = RecoveryCode

    device = factory.SubFactory(StaticDeviceFactory)
    token = factory.Sequence(lambda n: f"code{n:06d}")
