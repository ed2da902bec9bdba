"""Reads what the gate follows: limits, switches and throttles, one query each."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.core.rows import row_of, rows_of
from apps.marketdata.models import Instrument
from apps.risk.domain.types import LimitValue
from apps.risk.models import KillSwitch, TradingState, TradingStateValue
from apps.strategies.models import Deployment

_STRICTNESS = [
    str(TradingStateValue.ACTIVE),
    str(TradingStateValue.REDUCING),
    str(TradingStateValue.HALTED),
]

THROTTLE_WINDOW = timedelta(minutes=1)
"""How far back executions count for the repeated-execution throttle."""


def trading_state_effective(
    *,
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument | None = None,
) -> tuple[str, str]:
    """Return the strictest state that applies, and its reason.

    A kill switch that holds is HALTED.

    Returns:
        ``("ACTIVE", "")`` where nobody has set a state; else the reason starts with the scope.
    """
    if not _is_anything_set(account, deployment, instrument):
        return str(TradingStateValue.ACTIVE), ""
    held = kill_switch_holding(account=account, deployment=deployment, instrument=instrument)
    if held is not None:
        return str(TradingStateValue.HALTED), f"{held}: {held.reason}"
    states = TradingState.objects.filter(_applies(account, deployment))
    strictest = max(states, key=lambda row: _STRICTNESS.index(row.state), default=None)
    if strictest is None or strictest.state == TradingStateValue.ACTIVE:
        return str(TradingStateValue.ACTIVE), ""
    scope = _scope(strictest.account_id, strictest.deployment_id)
    return strictest.state, f"{scope}: {strictest.reason}" if strictest.reason else scope


# Asked twice for every order, and mostly nothing is set
_ANYTHING_SET = """
SELECT EXISTS (
    SELECT FROM risk_killswitch
    WHERE state <> %(released)s
    AND (account_id IS NULL OR account_id = %(account)s)
    AND (deployment_id IS NULL OR deployment_id = %(deployment)s)
    AND (instrument_id IS NULL OR instrument_id = %(instrument)s)
    AND (strategy_name = '' OR strategy_name = %(strategy)s)
) OR EXISTS (
    SELECT FROM risk_tradingstate
    WHERE state <> %(active)s
    AND (
        account_id IS NULL AND deployment_id IS NULL
        OR account_id = %(account)s OR deployment_id = %(deployment)s
    )
)
"""


def _is_anything_set(
    account: TradingAccount, deployment: Deployment | None, instrument: Instrument | None
) -> bool:
    values = {
        "released": KillSwitch.State.RELEASED,
        "active": TradingStateValue.ACTIVE,
        "account": account.pk,
        "deployment": deployment.pk if deployment else None,
        "instrument": instrument.pk if instrument else None,
        "strategy": deployment.version.name if deployment else None,
    }
    return row_of(_ANYTHING_SET, values) != (False,)


def kill_switch_list_holding() -> QuerySet[KillSwitch]:
    """Return the kill switches that are not released, newest first."""
    return KillSwitch.objects.exclude(state=KillSwitch.State.RELEASED).select_related(
        "account", "deployment", "instrument", "engaged_by", "release_requested_by"
    )


def kill_switch_list_for(user: User | AnonymousUser) -> QuerySet[KillSwitch]:
    """Return the kill switches that hold, or held, an account that ``user`` may read.

    One that names no account and no deployment holds every account.
    """
    accounts = account_list_for(user)
    return KillSwitch.objects.filter(
        Q(account=None, deployment=None)
        | Q(account__in=accounts)
        | Q(deployment__account__in=accounts)
    ).select_related(
        *("account", "deployment", "instrument"),
        *("engaged_by", "release_requested_by", "released_by"),
    )


def kill_switch_is_holding(*, switch_id: int) -> bool:
    """Tell whether a kill switch is not released, as committed by now."""
    return KillSwitch.objects.filter(pk=switch_id).exclude(state=KillSwitch.State.RELEASED).exists()


def kill_switch_holding(
    *,
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument | None,
) -> KillSwitch | None:
    """Return the newest kill switch that holds an order of these, or None."""
    return kill_switch_list_holding().filter(_held(account, deployment, instrument)).first()


def kill_switch_holds_order(prefix: str = "") -> Exists:
    """Return a condition on a query of orders: some kill switch holds the row.

    Args:
        prefix: Path from the row to the order, such as ``order__``.
    """
    order = {
        name: OuterRef(f"{prefix}{name}_id") for name in ("account", "deployment", "instrument")
    }
    strategy = OuterRef(f"{prefix}deployment__version__name")
    return Exists(
        KillSwitch.objects.exclude(state=KillSwitch.State.RELEASED).filter(
            Q(account=None) | Q(account=order["account"]),
            Q(deployment=None) | Q(deployment=order["deployment"]),
            Q(instrument=None) | Q(instrument=order["instrument"]),
            Q(strategy_name="") | Q(strategy_name=strategy),
        )
    )


_LIMITS = """
SELECT kind, value, version, account_id, deployment_id, instrument_id, id, is_soft
FROM risk_risklimit
WHERE is_current
AND (instrument_id IS NULL OR instrument_id = %(instrument)s)
AND (
    account_id IS NULL AND deployment_id IS NULL
    OR account_id = %(account)s OR deployment_id = %(deployment)s
)
ORDER BY kind, id
"""


def limit_list_applying(
    *,
    account: TradingAccount,
    deployment: Deployment | None,
    instrument: Instrument | None = None,
) -> tuple[LimitValue, ...]:
    """Return the current limits of desk, account, deployment and instrument, by kind."""
    values = {
        "account": account.pk,
        "deployment": deployment.pk if deployment else None,
        "instrument": instrument.pk if instrument else None,
    }
    return tuple(
        LimitValue(
            kind=kind,
            value=value,
            version=version,
            scope="instrument" if instrument_id else _scope(account_id, deployment_id),
            limit_id=limit_id,
            is_soft=is_soft,
        )
        for kind, value, version, account_id, deployment_id, instrument_id, limit_id, is_soft in (
            rows_of(_LIMITS, values)
        )
    )


_THROTTLE = """
SELECT
    (SELECT reason FROM risk_throttletrip
     WHERE deployment_id = %(deployment)s AND enabled_at IS NULL ORDER BY id DESC LIMIT 1),
    (SELECT max(enabled_at) FROM risk_throttletrip WHERE deployment_id = %(deployment)s)
"""


def throttle_of(*, deployment: Deployment, as_of: datetime) -> tuple[str | None, datetime]:
    """Return why the deployment waits for a person, or None, and since when executions count.

    They count over the window, or since the last time a person enabled the deployment.
    """
    reason, enabled = row_of(_THROTTLE, {"deployment": deployment.pk}) or (None, None)
    start = as_of - THROTTLE_WINDOW
    return reason, start if enabled is None else max(start, enabled)


def _held(
    account: TradingAccount, deployment: Deployment | None, instrument: Instrument | None
) -> Q:
    held = Q(account=None) | Q(account=account)
    of_deployment, of_strategy = Q(deployment=None), Q(strategy_name="")
    if deployment is not None:
        of_deployment |= Q(deployment=deployment)
        of_strategy |= Q(strategy_name=deployment.version.name)
    of_instrument = Q(instrument=None)
    if instrument is not None:
        of_instrument |= Q(instrument=instrument)
    return held & of_deployment & of_strategy & of_instrument


def _applies(account: TradingAccount, deployment: Deployment | None) -> Q:
    applies = Q(account=None, deployment=None) | Q(account=account)
    if deployment is not None:
        applies |= Q(deployment=deployment)
    return applies


def _scope(account_id: int | None, deployment_id: int | None) -> str:
    if deployment_id is not None:
        return "deployment"
    return "desk" if account_id is None else "account"
