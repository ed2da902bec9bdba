"""Groups follow the one table of roles; what a role may do is what the table says."""

import pytest
from django.contrib.auth.models import Group, Permission

from apps.accounts import roles
from apps.accounts.roles import Role
from apps.accounts.services import roles_sync
from tests.sessions import person

pytestmark = pytest.mark.django_db

MAY = {
    "strategies.change_deployment": {Role.TRADER, Role.RISK},
    "risk.change_tradingstate": {Role.RISK},
    "risk.add_risklimit": {Role.RISK},
    "reconciliation.change_break": {Role.RISK, Role.COMPLIANCE},
    "accounts.add_brokercredential": {Role.OPERATOR},
    "accounts.approve_brokercredential": {Role.RISK, Role.COMPLIANCE},
    "accounts.change_user": {Role.OPERATOR},
    "accounts.add_accountmembership": {Role.OPERATOR},
    "axes.delete_accessattempt": {Role.OPERATOR},
    "core.view_auditevent": {Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR},
    "orders.view_order": set(Role),
    "orders.add_order": {Role.TRADER},
    "orders.change_order": {Role.TRADER},
    "orders.delete_order": set(),
    "orders.delete_fill": set(),
    "core.change_auditevent": set(),
    "auth.change_group": set(),
}


def permissions_of(role: Role) -> set[str]:
    rows = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_every_role_is_a_group_after_migration() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(Role)


@pytest.mark.parametrize("permission", MAY)
def test_a_permission_belongs_to_the_roles_that_need_it(permission: str) -> None:
    assert {role for role in Role if person(role).has_perm(permission)} == MAY[permission]


def test_no_role_may_write_what_only_the_desk_writes() -> None:
    written_by_the_desk = ("orders.", "positions.", "brokers.", "execution.", "core.")
    commands = {"orders.add_order", "orders.change_order"}  # what the desk is asked to write
    for role in Role:
        writes = {name for name in permissions_of(role) if ".view_" not in name}
        written = {name for name in writes if name.startswith(written_by_the_desk)}
        assert written <= commands


def test_an_auditor_writes_nothing() -> None:
    assert all(".view_" in name for name in permissions_of(Role.AUDITOR))


def test_syncing_again_takes_away_what_the_table_does_not_give_and_leaves_other_groups() -> None:
    group = Group.objects.get(name=Role.TRADER)
    before = permissions_of(Role.TRADER)
    extra = Permission.objects.get(codename="delete_order")
    other = Group.objects.create(name="guests")
    for each in (group, other):
        each.permissions.add(extra)

    roles_sync()

    assert permissions_of(Role.TRADER) == before
    assert list(other.permissions.all()) == [extra]


def test_a_pattern_that_fits_nothing_stops_the_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(roles.PERMISSIONS, Role.AUDITOR, ("orders.view_typo",))
    before = permissions_of(Role.AUDITOR)

    with pytest.raises(ValueError, match=r"auditor names orders\.view_typo.*roles\.py"):
        roles_sync()

    assert permissions_of(Role.AUDITOR) == before
