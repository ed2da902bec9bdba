"""Rows of an account exist for its members and for control roles, and for nobody else."""

import pytest
from django.test import Client

from apps.accounts.models import TradingAccount
from apps.accounts.roles import Role
from tests.api.resources import AUDIT, LISTS, OWNED, PREFIX, SHARED, Resource, path_of, results
from tests.factories.risk import RiskLimitFactory, TradingStateFactory
from tests.sessions import person, signed_in

PAGED = [each for each in OWNED if each.key]


@pytest.mark.parametrize("resource", LISTS, ids=path_of)
def test_a_member_sees_the_rows_in_the_list(
    trader: Client, account: TradingAccount, resource: Resource
) -> None:
    resource.make(account)
    resource.make(account)

    assert len(results(trader, resource.list_url)) >= 2


@pytest.mark.parametrize("resource", [each for each in LISTS if each.key], ids=path_of)
def test_a_member_opens_one_row(
    trader: Client, account: TradingAccount, resource: Resource
) -> None:
    row = resource.make(account)
    response = trader.get(resource.detail_url(row))

    assert response.status_code == 200
    shown = response.json()
    assert any(
        all(shown[name] == value for name, value in each.items())
        for each in results(trader, resource.list_url)
    )


@pytest.mark.parametrize("resource", OWNED, ids=path_of)
def test_a_stranger_sees_nothing_in_the_list(
    stranger: Client, account: TradingAccount, resource: Resource
) -> None:
    resource.make(account)
    if resource.path == "equity":
        # The curve is asked for by account, which does not exist for a stranger
        response = stranger.get(resource.list_url)
        assert response.status_code == 400
        assert response.json()["detail"] == "There is no account of this name for you."
    else:
        assert results(stranger, resource.list_url) == []


@pytest.mark.parametrize("resource", PAGED, ids=path_of)
def test_a_stranger_cannot_tell_a_hidden_row_from_a_missing_one(
    stranger: Client, account: TradingAccount, resource: Resource
) -> None:
    row = resource.make(account)
    hidden = stranger.get(resource.detail_url(row))
    missing = stranger.get(
        f"{PREFIX}/{resource.path}/{'nothing' if resource.key == 'name' else 0}/"
    )

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json()


@pytest.mark.parametrize("resource", OWNED, ids=path_of)
def test_a_control_role_sees_the_rows_of_every_account(
    auditor: Client, account: TradingAccount, resource: Resource
) -> None:
    row = resource.make(account)

    assert results(auditor, resource.list_url)
    if resource.key:
        assert auditor.get(resource.detail_url(row)).status_code == 200


@pytest.mark.parametrize("resource", [*LISTS, AUDIT], ids=path_of)
@pytest.mark.django_db
def test_nobody_gets_a_challenge_and_no_row(
    client: Client, account: TradingAccount, resource: Resource
) -> None:
    resource.make(account)
    response = client.get(resource.list_url)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Session realm="desk"'
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("resource", SHARED, ids=path_of)
def test_what_is_no_secret_is_open_to_every_person(
    stranger: Client, account: TradingAccount, resource: Resource
) -> None:
    resource.make(account)

    assert results(stranger, resource.list_url)


def test_an_account_is_listed_and_opened_by_its_members_only(
    trader: Client, stranger: Client
) -> None:
    assert [row["name"] for row in results(trader, f"{PREFIX}/accounts/")] == ["alpha"]
    assert trader.get(f"{PREFIX}/accounts/alpha/").status_code == 200
    assert stranger.get(f"{PREFIX}/accounts/alpha/").status_code == 404


def test_limits_and_switches_of_the_whole_desk_bind_and_are_seen_by_everyone(
    stranger: Client,
) -> None:
    limit = RiskLimitFactory(account=None)
    TradingStateFactory(account=None, state="HALTED", reason="drill")

    assert [row["id"] for row in results(stranger, f"{PREFIX}/limits/")] == [limit.pk]
    [switch] = results(stranger, f"{PREFIX}/trading-state/")
    assert (switch["account"], switch["state"], switch["reason"]) == (None, "HALTED", "drill")


@pytest.mark.parametrize("role", [Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR])
@pytest.mark.django_db
def test_the_audit_trail_is_open_to_the_roles_whose_work_it_is(role: Role) -> None:
    row = AUDIT.make(TradingAccount())
    reader = signed_in(person(role))

    assert len(results(reader, AUDIT.list_url)) == 1
    assert reader.get(AUDIT.detail_url(row)).status_code == 200


def test_the_audit_trail_is_closed_to_traders_with_the_reason(trader: Client) -> None:
    row = AUDIT.make(TradingAccount())

    for url in (AUDIT.list_url, AUDIT.detail_url(row)):
        response = trader.get(url)
        assert response.status_code == 403
        assert "permission core.view_auditevent" in response.json()["detail"]


@pytest.mark.parametrize("resource", [*LISTS, AUDIT], ids=path_of)
def test_a_member_without_a_role_reads_nothing(account: TradingAccount, resource: Resource) -> None:
    resource.make(account)
    roleless = signed_in(person(member_of=(account,)))

    assert roleless.get(resource.list_url).status_code == 403


def test_who_is_switched_off_is_nobody(account: TradingAccount) -> None:
    user = person(Role.TRADER, member_of=(account,))
    browser = signed_in(user)
    user.is_active = False
    user.save()

    assert browser.get(f"{PREFIX}/orders/").status_code == 401


def test_losing_the_membership_closes_the_account_at_once(
    account: TradingAccount,
) -> None:
    user = person(Role.TRADER, member_of=(account,))
    browser = signed_in(user)
    user.memberships.all().delete()

    assert results(browser, f"{PREFIX}/accounts/") == []
