"""Changes limits and trading states, each change a new version or an audit event with a reason."""

from decimal import Decimal

from django.db import connection, transaction

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.core.money import plain, stored
from apps.core.services import audit_record
from apps.marketdata.models import Instrument
from apps.risk.models import LimitKind, RiskLimit, TradingState, TradingStateValue
from apps.strategies.models import Deployment

_REASON_LENGTH = 400


class RiskChangeRefused(ValueError):
    """A limit or trading state was not changed; the sentence says why."""


@transaction.atomic
def limit_set(
    *,
    account: TradingAccount | None = None,
    deployment: Deployment | None = None,
    instrument: Instrument | None = None,
    kind: str,
    value: Decimal,
    is_soft: bool = False,
    actor: User | None,
    reason: str,
) -> RiskLimit:
    """Set a limit: a new version becomes current, the one before is kept.

    Args:
        account, deployment: One of them, or neither for the whole desk.
        instrument: Only orders on it; None for all.
        is_soft: Exceeding it warns. A soft and a hard limit of one kind stand side by side.
        value: Quote or base currency, or orders, by kind; not negative.
        actor: None when the desk sets its own first limits.

    Raises:
        RiskChangeRefused: Two scopes, an unknown kind, a negative value or no reason.
    """
    _change_require(account, deployment, reason)
    _choice_require(kind, LimitKind.values, "kind of limit")
    amount = _value_require(value)
    _limits_lock()
    scope = RiskLimit.objects.filter(
        account=account, deployment=deployment, instrument=instrument, kind=kind, is_soft=is_soft
    )
    latest = scope.order_by("-version").first()
    scope.filter(is_current=True).update(is_current=False)
    limit = RiskLimit.objects.create(
        account=account,
        deployment=deployment,
        instrument=instrument,
        kind=kind,
        is_soft=is_soft,
        value=amount,
        version=latest.version + 1 if latest else 1,
    )
    before = plain(latest.value) if latest else None
    audit_record(
        action="limit.set",
        subject=limit,
        actor=actor,
        reason=reason,
        details={
            "kind": kind,
            "is_soft": is_soft,
            "value_before": before,
            "value_after": plain(amount),
        },
    )
    return limit


@transaction.atomic
def trading_state_set(
    *,
    account: TradingAccount | None = None,
    deployment: Deployment | None = None,
    state: str,
    actor: User | None,
    reason: str,
) -> TradingState:
    """Set the trading state of the desk, of an account or of a deployment.

    Raises:
        RiskChangeRefused: Two scopes, an unknown state or no reason.
    """
    _change_require(account, deployment, reason)
    _choice_require(state, TradingStateValue.values, "trading state")
    row, _ = TradingState.objects.get_or_create(account=account, deployment=deployment)
    row = TradingState.objects.select_for_update(of=("self",)).get(pk=row.pk)
    before = row.state
    row.state = state
    row.reason = reason.strip()
    row.changed_at = now()
    row.save(update_fields=["state", "reason", "changed_at"])
    audit_record(
        action="trading_state.set",
        subject=row,
        actor=actor,
        reason=reason,
        details={"state_before": before, "state_after": state},
    )
    return row


def _change_require(
    account: TradingAccount | None, deployment: Deployment | None, reason: str
) -> None:
    if account is not None and deployment is not None:
        raise RiskChangeRefused(
            "name an account or a deployment, or neither for the desk; not both"
        )
    if not reason.strip():
        raise RiskChangeRefused("a change of limits or trading states needs a reason")
    if len(reason.strip()) > _REASON_LENGTH:
        raise RiskChangeRefused(f"a reason has at most {_REASON_LENGTH} characters")


def _choice_require(value: str, choices: list[str], subject: str) -> None:
    if value not in choices:
        raise RiskChangeRefused(
            f"unknown {subject} {value!r}; expected one of {', '.join(choices)}"
        )


def _value_require(value: Decimal) -> Decimal:
    try:
        amount = stored(value)
    except ValueError as unusable:
        raise RiskChangeRefused(f"a limit cannot be {value}: {unusable}") from None
    if amount < 0:
        raise RiskChangeRefused(f"a limit must be zero or more, was {value}")
    return amount


def _limits_lock() -> None:
    """Let one change of limits go at a time: there may be no current row yet to lock."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE risk_risklimit IN SHARE ROW EXCLUSIVE MODE")
