"""Reads what speaks against sending an order right now."""

from datetime import datetime

from apps.core.rows import row_of
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.models import Order
from apps.orders.selectors import closing_is_unknown, freeze_reason
from apps.reconciliation.selectors import account_is_reconciled
from apps.risk.models import TradingStateValue
from apps.risk.selectors import (
    kill_switch_holding,
    kill_switch_is_holding,
    trading_state_effective,
)
from apps.strategies.models import DeploymentState

_ENDED_UNFILLED = [
    OrderStatus.REJECTED.value,
    OrderStatus.CANCELED.value,
    OrderStatus.EXPIRED.value,
]


def sending_forbidden(*, order: Order) -> str | None:
    """Return why an order must not be sent, though it was allowed when it was decided, or None.

    An order that closes a position for a kill switch passes every block while that switch holds,
    and never afterwards; the database lets such an order only reduce.
    """
    if order.kill_switch_id is not None:
        is_holding = kill_switch_is_holding(switch_id=order.kill_switch_id)
        return None if is_holding else "the kill switch that it closes for is released"
    state, reason = trading_state_effective(
        account=order.account, deployment=order.deployment, instrument=order.instrument
    )
    if state == TradingStateValue.HALTED or (
        state == TradingStateValue.REDUCING and order.role == OrderRole.ENTRY
    ):
        return f"trading is {state} since it was decided: {reason}"
    if order.role != OrderRole.ENTRY:
        return None
    return _entry_forbidden(order) if order.deployment_id is not None else None


def amending_forbidden(*, order: Order) -> str | None:
    """Return why an order must not be given new terms now, or None.

    A kill switch holds every order. Where trading is halted or only reduces, an entry keeps its
    terms; exits may shrink with what they protect.
    """
    held = kill_switch_holding(
        account=order.account, deployment=order.deployment, instrument=order.instrument
    )
    if held is not None:
        return f"{held} holds it"
    if order.role != OrderRole.ENTRY:
        return None
    state, reason = trading_state_effective(
        account=order.account, deployment=order.deployment, instrument=order.instrument
    )
    return None if state == TradingStateValue.ACTIVE else f"trading is {state}: {reason}"


# Whether the position that an entry was to turn may still be held, and how its deployment is
_ENTRY = """
SELECT
    state,
    EXISTS (SELECT FROM orders_order
     WHERE signal_id = %(signal)s AND role = %(exit)s AND status = ANY (%(unfilled)s))
FROM strategies_deployment WHERE id = %(deployment)s
"""


def _entry_forbidden(entry: Order) -> str | None:
    values = {
        "deployment": entry.deployment_id,
        "signal": entry.signal_id,
        "exit": OrderRole.EXIT.value,
        "unfilled": _ENDED_UNFILLED,
    }
    state, exit_has_failed = row_of(_ENTRY, values) or (None, False)
    if exit_has_failed:
        return "the exit that was to come before it was not taken"
    return None if state == DeploymentState.RUNNING else f"the deployment is {state} by now"


def sending_waits(*, order: Order, since: datetime | None) -> bool:
    """Tell whether an order must wait: its instrument is frozen, or the books do not match.

    What closes a position for a kill switch waits for the outcome of another such order alone:
    one that only reduces cannot double what an unknown order may have opened.

    Args:
        since: The account must have been reconciled since then; None: ever.
    """
    if order.kill_switch_id is not None:
        return closing_is_unknown(account=order.account, instrument=order.instrument)
    frozen = freeze_reason(account=order.account, instrument=order.instrument)
    return frozen is not None or not account_is_reconciled(account=order.account, since=since)
