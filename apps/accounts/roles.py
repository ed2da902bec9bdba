"""The one table of what each role may do; groups in the database follow it after every migrate."""

from enum import StrEnum
from fnmatch import fnmatchcase


class Role(StrEnum):
    """A group of people with the same permissions."""

    TRADER = "trader"
    RISK = "risk"
    COMPLIANCE = "compliance"
    OPERATOR = "operator"
    AUDITOR = "auditor"


SEEING_ALL_ACCOUNTS = frozenset({Role.RISK, Role.COMPLIANCE, Role.OPERATOR, Role.AUDITOR})
"""Roles that read every trading account; a trader reads those of which they are a member."""

_THE_TRADE = (
    "marketdata.view_*",
    "strategies.view_*",
    "backtesting.view_*",
    "risk.view_*",
    "orders.view_*",
    "positions.view_*",
    "reconciliation.view_*",
)
_THE_BOOKS = (*_THE_TRADE, "accounts.view_*", "brokers.view_*", "execution.view_*")
_THE_RECORD = ("core.view_auditevent", "auditlog.view_logentry", "axes.view_*")

# Permissions are patterns of app_label.codename; one that fits nothing stops the migration
PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.TRADER: (
        *_THE_TRADE,
        "accounts.view_tradingaccount",
        "strategies.add_strategyversion",
        "strategies.add_deployment",
        "strategies.change_deployment",
        "orders.add_order",
        "orders.change_order",
        "risk.add_killswitch",
    ),
    Role.RISK: (
        *_THE_BOOKS,
        "core.view_auditevent",
        "strategies.change_deployment",
        "strategies.approve_deployment",
        "accounts.approve_brokercredential",
        "risk.add_risklimit",
        "risk.change_risklimit",
        "risk.add_tradingstate",
        "risk.change_tradingstate",
        "risk.add_killswitch",
        "risk.change_killswitch",
        "risk.change_throttletrip",
        "reconciliation.change_break",
    ),
    Role.COMPLIANCE: (
        *_THE_BOOKS,
        *_THE_RECORD,
        "strategies.approve_deployment",
        "accounts.approve_brokercredential",
        "risk.add_killswitch",
        "risk.change_killswitch",
        "reconciliation.change_break",
    ),
    Role.OPERATOR: (
        *_THE_BOOKS,
        *_THE_RECORD,
        "accounts.add_*",
        "accounts.change_*",
        "accounts.delete_accountmembership",
        "axes.delete_accessattempt",
        "auth.view_group",
        "marketdata.add_instrument",
        "marketdata.change_instrument",
        "marketdata.add_feed",
        "marketdata.change_feed",
        "django_celery_beat.view_periodictask",
    ),
    Role.AUDITOR: (*_THE_BOOKS, *_THE_RECORD, "auth.view_group"),
}


def permissions_matching(role: Role, known: set[str]) -> set[str]:
    """Return the permissions of ``known`` that the table gives to a role.

    Args:
        known: Every permission that exists, as ``app_label.codename``.

    Raises:
        ValueError: A pattern of the table fits no permission.
    """
    granted: set[str] = set()
    for pattern in PERMISSIONS[role]:
        fitting = {permission for permission in known if fnmatchcase(permission, pattern)}
        if not fitting:
            raise ValueError(
                f"role {role} names {pattern}, which fits no permission; correct the table in "
                "apps/accounts/roles.py"
            )
        granted |= fitting
    return granted
