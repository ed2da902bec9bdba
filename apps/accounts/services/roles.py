"""Brings the groups in the database to what the table of roles says."""

from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS, transaction

from apps.accounts.roles import Role, permissions_matching


def roles_sync(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Give each role's group exactly the permissions of the table; other groups stay as they are.

    Raises:
        ValueError: The table names a permission that does not exist.
    """
    rows = Permission.objects.using(using).select_related("content_type")
    known = {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
    with transaction.atomic(using=using):
        for role in Role:
            group, _ = Group.objects.using(using).get_or_create(name=role.value)
            granted = permissions_matching(role, set(known))
            group.permissions.set([known[permission] for permission in granted])
