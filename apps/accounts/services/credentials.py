"""Takes, approves and ends what opens accounts at their brokers; no sentence repeats a value."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.accounts.domain.credentials import credential_hint, credential_values_check
from apps.accounts.models import (
    Broker,
    BrokerCredential,
    CredentialPurpose,
    TradingAccount,
    TradingMode,
    User,
)
from apps.accounts.selectors import credential_list_troubled, credential_trouble
from apps.core.clock import now, wall_now
from apps.core.models import AuditEvent
from apps.core.sealing import SealBroken
from apps.core.services import audit_record

log = logging.getLogger(__name__)

State = BrokerCredential.State
_WITH_TEST_NETWORK = frozenset({Broker.BYBIT.value})


class CredentialRefused(Exception):
    """A credential cannot be stored, approved or ended so."""


def credential_needs_second_person(account: TradingAccount) -> bool:
    """Tell whether changing the account's credential takes two people.

    It does wherever the key opens real money: on every account but one at a broker's test network.
    Angel One has none, so that its keys are real whatever the mode.
    """
    is_test = account.mode == TradingMode.TEST and account.broker in _WITH_TEST_NETWORK
    return not is_test


@sensitive_variables("values")
def credential_store(
    *,
    account: TradingAccount,
    values: Mapping[str, str],
    by: User | None = None,
    purpose: str = CredentialPurpose.TRADE,
    expires_at: datetime | None = None,
    reason: str = "",
) -> BrokerCredential:
    """Propose a credential; on a test network it is in use at once.

    Args:
        values: By name, as the broker needs them: see ``domain.credentials``.
        by: Who gives it; may be missing on a test network only.
        expires_at: When the broker ends the key, timezone-aware; None: not known.

    Returns:
        ACTIVE on a test network, else PROPOSED: nothing uses it before ``credential_approve``.

    Raises:
        CredentialRefused: The values do not fit the broker, nobody is named, the moment is past
            or another proposal waits.
    """
    _values_require(account, values)
    needs_second_person = credential_needs_second_person(account)
    if needs_second_person and by is None:
        raise CredentialRefused(
            f"somebody must answer for a key to {account}, which opens real money: name them"
        )
    if expires_at is not None and expires_at <= now():
        raise CredentialRefused(f"the key ended on {expires_at:%Y-%m-%d}; make a new one")
    with transaction.atomic():
        _account_lock(account)
        _no_other_proposal_require(account, purpose)
        credential = BrokerCredential(
            account=account,
            purpose=purpose,
            names=sorted(values),
            hint=credential_hint(values),
            needs_second_person=needs_second_person,
            proposed_by=by,
            reason=reason,
            expires_at=expires_at,
        )
        credential.field_seal("sealed_values", json.dumps(dict(values)))
        credential.save(force_insert=True)
        _record(credential, "proposed", by, reason)
        if not needs_second_person:
            _activate(credential, by)
    return credential


@transaction.atomic
def credential_approve(*, credential: BrokerCredential, by: User) -> BrokerCredential:
    """Let a proposal be used from now on; the version before ends and loses its secrets.

    Raises:
        CredentialRefused: It awaits no approval, or ``by`` proposed it.
    """
    locked = _locked(credential)
    _awaiting_require(locked)
    if locked.proposed_by_id == by.pk:
        raise CredentialRefused(
            f"{by} proposed {locked}; another person has to approve it. Ask one with the role "
            "risk or compliance."
        )
    _activate(locked, by)
    return locked


@transaction.atomic
def credential_decline(
    *, credential: BrokerCredential, by: User, reason: str = ""
) -> BrokerCredential:
    """Drop a proposal with its secrets; whoever proposed it may do so, too.

    Raises:
        CredentialRefused: It awaits no approval.
    """
    locked = _locked(credential)
    _awaiting_require(locked)
    locked.decided_by = by
    locked.decided_at = wall_now()
    _end(locked, State.DECLINED)
    _record(locked, "declined", by, reason)
    return locked


@transaction.atomic
def credential_revoke(
    *, credential: BrokerCredential, by: User | None, reason: str
) -> BrokerCredential:
    """Use a credential no more, at once; taking access away needs one person alone.

    Raises:
        CredentialRefused: It is not in use, or no reason is given.
    """
    locked = _locked(credential)
    if locked.state != State.ACTIVE:
        raise CredentialRefused(f"{locked} is not in use: {locked.get_state_display().lower()}")
    if not reason.strip():
        raise CredentialRefused("a reason is needed to revoke a credential")
    _end(locked, State.REVOKED)
    _record(locked, "revoked", by, reason)
    return locked


@transaction.atomic
def credential_check_record(
    *,
    credential: BrokerCredential,
    permissions: Sequence[str] = (),
    expires_at: datetime | None = None,
    error: str = "",
) -> BrokerCredential:
    """Keep what the broker said about a credential.

    Args:
        permissions: What it may do, in the broker's words; kept as they were if there is an error.
        expires_at: When it ends, timezone-aware; None keeps what is known.
        error: What the broker said against it, in which its own values are hidden. Empty: it works.
    """
    locked = _locked(credential)
    was = (locked.permissions, locked.expires_at, locked.check_error)
    locked.checked_at = wall_now()
    locked.check_error = _hidden(locked, error)[:400]
    locked.permissions = locked.permissions if error else sorted(permissions)
    locked.expires_at = expires_at or locked.expires_at
    locked.save(update_fields=["checked_at", "check_error", "permissions", "expires_at"])
    if was != (locked.permissions, locked.expires_at, locked.check_error):
        _record(locked, "checked", None, "")
    return locked


def credentials_warn() -> int:
    """Log each credential in use that is in trouble, and record it once a day; return how many."""
    troubled = list(credential_list_troubled())
    for credential in troubled:
        trouble = credential_trouble(credential)
        log.warning("%s", trouble)
        with transaction.atomic():
            _account_lock(credential.account)
            warned = AuditEvent.objects.filter(
                action="credential.warned",
                subject_id=str(credential.pk),
                occurred_at__gte=now().replace(hour=0, minute=0, second=0, microsecond=0),
            )
            if not warned.exists():
                _record(credential, "warned", None, trouble)
    return len(troubled)


@sensitive_variables("value", "values")
def _hidden(credential: BrokerCredential, sentence: str) -> str:
    """Take a credential's values out of what a broker said; some repeat what they were sent."""
    if not sentence or not credential.sealed_values:
        return sentence
    try:
        values = json.loads(credential.field_unseal("sealed_values"))
    except SealBroken:
        return (
            "the broker refuses it; the rest is left out, for it may repeat what cannot be opened"
        )
    for value in values.values():
        sentence = sentence.replace(value, "…")
    return sentence


def _activate(credential: BrokerCredential, by: User | None) -> None:
    in_use = BrokerCredential.objects.select_for_update(of=("self",)).filter(
        account=credential.account_id, purpose=credential.purpose, state=State.ACTIVE
    )
    for older in in_use.select_related("account"):
        _end(older, State.SUPERSEDED)
        _record(older, "superseded", by, "")
    credential.state = State.ACTIVE
    credential.decided_by = by
    credential.decided_at = wall_now()
    credential.save(update_fields=["state", "decided_by", "decided_at"])
    _record(credential, "approved", by, "")


def _end(credential: BrokerCredential, state: BrokerCredential.State) -> None:
    credential.state = state
    credential.sealed_values = ""
    credential.ended_at = wall_now()
    credential.save(
        update_fields=["state", "sealed_values", "ended_at", "decided_by", "decided_at"]
    )


def _record(credential: BrokerCredential, verb: str, by: User | None, reason: str) -> None:
    expires_at = credential.expires_at
    audit_record(
        action=f"credential.{verb}",
        subject=credential,
        actor=by,
        reason=reason,
        details={
            "account": credential.account.name,
            "purpose": credential.purpose,
            "names": credential.names,
            "needs_second_person": credential.needs_second_person,
            "expires_at": expires_at.isoformat() if expires_at else None,
            "permissions": credential.permissions,
            "check_error": credential.check_error,
        },
    )


@sensitive_variables("values")
def _values_require(account: TradingAccount, values: Mapping[str, str]) -> None:
    trouble = credential_values_check(account.broker, values)
    if trouble:
        raise CredentialRefused(trouble)


def _account_lock(account: TradingAccount) -> None:
    TradingAccount.objects.select_for_update(no_key=True).get(pk=account.pk)


def _no_other_proposal_require(account: TradingAccount, purpose: str) -> None:
    waiting = BrokerCredential.objects.filter(
        account=account, purpose=purpose, state=State.PROPOSED
    ).first()
    if waiting is not None:
        raise CredentialRefused(
            f"{waiting}, proposed by {waiting.proposed_by or 'the desk'}, awaits approval; it has "
            "to be approved or declined first"
        )


def _awaiting_require(credential: BrokerCredential) -> None:
    if credential.state != State.PROPOSED:
        raise CredentialRefused(
            f"{credential} awaits no approval: {credential.get_state_display().lower()}"
        )


def _locked(credential: BrokerCredential) -> BrokerCredential:
    _account_lock(credential.account)
    return (
        BrokerCredential.objects.select_for_update(of=("self",))
        .select_related("account")
        .get(pk=credential.pk)
    )
