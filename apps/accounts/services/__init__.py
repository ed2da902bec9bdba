"""Every change to people, their roles and second factor, their accounts and credentials."""

from apps.accounts.services.accounts import (
    account_create,
    account_deactivate,
    membership_add,
    membership_remove,
)
from apps.accounts.services.credentials import (
    CredentialRefused,
    credential_approve,
    credential_check_record,
    credential_decline,
    credential_needs_second_person,
    credential_revoke,
    credential_store,
    credentials_warn,
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
    "CredentialRefused",
    "account_create",
    "account_deactivate",
    "credential_approve",
    "credential_check_record",
    "credential_decline",
    "credential_needs_second_person",
    "credential_revoke",
    "credential_store",
    "credentials_warn",
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
