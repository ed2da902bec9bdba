"""Accounts are opened on the record, and exist only for their members and for control roles."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.accounts.models import AccountMembership, TradingAccount
from apps.accounts.roles import Role
from apps.accounts.selectors import account_list_for
from apps.accounts.services import (
    account_create,
    account_deactivate,
    membership_add,
    membership_remove,
)
from apps.core.models import AuditEvent
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.sessions import person

pytestmark = pytest.mark.django_db


def test_opening_an_account_is_recorded() -> None:
    actor = UserFactory()
    account = account_create(name="alpha", broker="PAPER", base_currency="USDT", actor=actor)

    assert (account.mode, account.is_active) == ("PAPER", True)
    event = AuditEvent.objects.get()
    assert (event.action, event.subject_label, event.actor_id) == (
        "account.created",
        "alpha",
        actor.pk,
    )
    assert event.details == {"broker": "PAPER", "mode": "PAPER", "base_currency": "USDT"}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "no spaces please"},
        {"name": "taken"},
        {"broker": "BANK"},
        {"mode": "REAL"},
        {"mode": "LIVE"},
        {"base_currency": ""},
    ],
)
def test_an_account_that_cannot_be_is_refused_and_nothing_is_written(
    changes: dict[str, str],
) -> None:
    TradingAccountFactory(name="taken")
    values: dict[str, Any] = {
        "name": "alpha",
        "broker": "PAPER",
        "base_currency": "USDT",
        **changes,
    }
    with pytest.raises(ValidationError):
        account_create(**values)

    assert TradingAccount.objects.count() == 1
    assert not AuditEvent.objects.exists()


def test_the_paper_broker_takes_no_live_money_in_the_database_either() -> None:
    with pytest.raises(IntegrityError, match="paper_broker_is_paper_mode"):
        TradingAccountFactory(mode="LIVE")


def test_an_account_is_switched_off_once_and_on_the_record() -> None:
    account = TradingAccountFactory()
    for _ in range(2):
        account_deactivate(account=account, reason="a replay is over")

    assert not TradingAccount.objects.get().is_active
    event = AuditEvent.objects.get()
    assert (event.action, event.reason) == ("account.deactivated", "a replay is over")


def test_a_member_is_added_once_and_recorded_once() -> None:
    account, user = TradingAccountFactory(), UserFactory()
    first = membership_add(account=account, user=user, reason="joins the desk")
    again = membership_add(account=account, user=user)

    assert first == again
    event = AuditEvent.objects.get()
    assert (event.action, event.reason) == ("account.member_added", "joins the desk")
    assert event.details == {"user_id": user.pk, "user": user.email}


def test_a_member_is_removed_on_the_record() -> None:
    account, user = TradingAccountFactory(), UserFactory()
    membership_remove(membership=membership_add(account=account, user=user), actor=user)

    assert not AccountMembership.objects.exists()
    assert AuditEvent.objects.latest("id").action == "account.member_removed"


def test_a_trader_sees_their_accounts_and_no_other() -> None:
    mine, _ = TradingAccountFactory(), TradingAccountFactory()
    trader = person(Role.TRADER, member_of=(mine,))

    assert list(account_list_for(trader)) == [mine]


@pytest.mark.parametrize("role", [Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
def test_control_roles_see_every_account_once(role: Role) -> None:
    account = TradingAccountFactory()
    seer = person(role, Role.TRADER, member_of=(account,))
    TradingAccountFactory()

    assert account_list_for(seer).count() == 2


def test_who_is_nobody_or_switched_off_sees_none() -> None:
    account = TradingAccountFactory()
    former = person(Role.RISK, member_of=(account,), is_active=False, is_superuser=True)

    assert not account_list_for(AnonymousUser()).exists()
    assert not account_list_for(former).exists()
    assert not account_list_for(UserFactory()).exists()


def test_two_memberships_of_one_person_in_one_account_are_refused() -> None:
    membership = membership_add(account=TradingAccountFactory(), user=UserFactory())
    with pytest.raises(IntegrityError, match="membership_once_per_user"):
        AccountMembership.objects.create(account=membership.account, user=membership.user)
    assert str(membership) == f"{membership.user} on {membership.account}"
