"""``/api/v1/me/`` says who is asking and what they may do."""

import pytest
from django.test import Client

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from tests.sessions import person, signed_in

URL = "/api/v1/me/"


@pytest.mark.django_db
def test_a_trader_sees_their_roles_permissions_and_accounts(
    account: TradingAccount, other_account: TradingAccount
) -> None:
    user = person(Role.TRADER, member_of=(account,), full_name="Tara Trader")
    shown = signed_in(user).get(URL).json()

    assert shown.pop("permissions") == sorted(user.get_all_permissions())
    assert shown == {
        "id": user.pk,
        "email": user.email,
        "full_name": "Tara Trader",
        "roles": ["trader"],
        "accounts": ["alpha"],
    }


def test_a_control_role_sees_every_account_by_name(
    auditor: Client, account: TradingAccount, other_account: TradingAccount
) -> None:
    assert auditor.get(URL).json()["accounts"] == ["alpha", "beta"]


@pytest.mark.django_db
def test_a_person_without_a_role_is_told_so(client: Client) -> None:
    shown = signed_in(person()).get(URL).json()

    assert (shown["roles"], shown["permissions"], shown["accounts"]) == ([], [], [])
    assert client.get(URL).status_code == 401


def test_nothing_can_be_asked_of_it(trader: Client) -> None:
    assert trader.get(f"{URL}?page_size=1").status_code == 400
