"""Reads the limits and the trading state that apply, one query each: they are asked per signal."""

from django.db.models import Q

from apps.accounts.models import TradingAccount
from apps.risk.domain.types import LimitValue
from apps.risk.models import RiskLimit, TradingState, TradingStateValue
from apps.strategies.models import Deployment

_STRICTNESS = [
    str(TradingStateValue.ACTIVE),
    str(TradingStateValue.REDUCING),
    str(TradingStateValue.HALTED),
]


def trading_state_effective(
    *, account: TradingAccount, deployment: Deployment | None
) -> tuple[str, str]:
    """Return the strictest state of desk, account and deployment, and its reason.

    Returns:
        ``("ACTIVE", "")`` where nobody has set a state; else the reason starts with the scope.
    """
    states = TradingState.objects.filter(_applies(account, deployment))
    strictest = max(states, key=lambda row: _STRICTNESS.index(row.state), default=None)
    if strictest is None or strictest.state == TradingStateValue.ACTIVE:
        return str(TradingStateValue.ACTIVE), ""
    scope = _scope(strictest.account_id, strictest.deployment_id)
    return strictest.state, f"{scope}: {strictest.reason}" if strictest.reason else scope


def limit_list_applying(
    *, account: TradingAccount, deployment: Deployment | None
) -> tuple[LimitValue, ...]:
    """Return the current limits of desk, account and deployment, by kind."""
    limits = RiskLimit.objects.filter(_applies(account, deployment), is_current=True)
    return tuple(
        LimitValue(
            kind=row.kind,
            value=row.value,
            version=row.version,
            scope=_scope(row.account_id, row.deployment_id),
            limit_id=row.pk,
        )
        for row in limits.order_by("kind", "pk")
    )


def _applies(account: TradingAccount, deployment: Deployment | None) -> Q:
    applies = Q(account=None, deployment=None) | Q(account=account)
    if deployment is not None:
        applies |= Q(deployment=deployment)
    return applies


def _scope(account_id: int | None, deployment_id: int | None) -> str:
    if deployment_id is not None:
        return "deployment"
    return "desk" if account_id is None else "account"
