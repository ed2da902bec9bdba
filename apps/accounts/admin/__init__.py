"""People, their trading accounts and what opens those, and who was locked out at sign-in."""

from apps.accounts.admin.credentials import BrokerCredentialAdmin
from apps.accounts.admin.people import (
    AccountMembershipAdmin,
    RoleAdmin,
    TradingAccountAdmin,
    UserAdmin,
)
from apps.accounts.admin.sign_ins import AccessAttemptAdmin, AccessFailureLogAdmin, AccessLogAdmin

__all__ = [
    "AccessAttemptAdmin",
    "AccessFailureLogAdmin",
    "AccessLogAdmin",
    "AccountMembershipAdmin",
    "BrokerCredentialAdmin",
    "RoleAdmin",
    "TradingAccountAdmin",
    "UserAdmin",
]
