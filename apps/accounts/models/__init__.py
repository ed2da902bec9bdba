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
from apps.accounts.models.second_factor import (
    Authenticator,
    RecoveryCode,
    RecoveryCodes,
)

__all__ = [
    "AccountMembership",
    "Authenticator",
    "Broker",
    "BrokerCredential",
    "CredentialPurpose",
    "RecoveryCode",
    "RecoveryCodes",
    "TradingAccount",
    "TradingMode",
    "User",
    "UserManager",
]
