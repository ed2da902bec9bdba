"""Tables of people, their trading accounts, and the secrets that open those at their brokers."""

from apps.accounts.models.credentials import BrokerCredential, CredentialPurpose
from apps.accounts.models.people import (
    AccountMembership,
    Broker,
    TradingAccount,
    TradingMode,
    User,
    UserManager,
)

__all__ = [
    "AccountMembership",
    "Broker",
    "BrokerCredential",
    "CredentialPurpose",
    "TradingAccount",
    "TradingMode",
    "User",
    "UserManager",
]
