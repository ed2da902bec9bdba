"""Every change to people, their roles, their second factor and their trading accounts."""

from apps.accounts.services.accounts import (
    account_create,
    account_deactivate,
    membership_add,
    membership_remove,
)
from apps.accounts.services.roles import roles_sync
from apps.accounts.services.second_factor import (
    CodeRefused,
    recovery_codes_renew,
    second_factor_confirm,
    second_factor_reset,
    second_factor_start,
    second_factor_verify,
)
from apps.accounts.services.sign_in import (
    lockout_end,
    password_change,
    sign_in_record,
    sign_out_record,
)

__all__ = [
    "CodeRefused",
    "account_create",
    "account_deactivate",
    "lockout_end",
    "membership_add",
    "membership_remove",
    "password_change",
    "recovery_codes_renew",
    "roles_sync",
    "second_factor_confirm",
    "second_factor_reset",
    "second_factor_start",
    "second_factor_verify",
    "sign_in_record",
    "sign_out_record",
]
