"""Reads how fast an account orders: the counts that the risk gate limits."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.accounts.models import TradingAccount
from apps.core.rows import row_of
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderRole
from apps.orders.selectors.orders import FINAL_VALUES
from apps.strategies.models import Deployment

RATE_WINDOW = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPace:
    """What an account has ordered up to a moment of market time.

    Attributes:
        open_orders: Orders that may still fill; exits that wait for their entry are not counted.
        last_second: Entries and exits decided within the last second.
        today: Orders decided since the UTC day began; attached exits are not counted.
        trades_today: Those of them that were entries and have filled.
        executions: Entries of the deployment that have filled since the window began.
    """

    open_orders: int
    last_second: int
    today: int
    trades_today: int
    executions: int


# One statement for five counts: every decision of the risk gate asks for all of them
_PACE = """
SELECT
    (SELECT count(*) FROM orders_order
     WHERE account_id = %(account)s AND status <> ALL (%(final)s)
     AND NOT (parent_id IS NOT NULL AND status = ANY (%(waiting)s))),
    count(*) FILTER (WHERE decided_at > %(second)s AND role IN (%(entry)s, %(exit)s)),
    count(*) FILTER (WHERE is_of_day),
    count(*) FILTER (WHERE is_of_day AND role = %(entry)s AND filled_quantity > 0),
    (SELECT count(*) FROM orders_order
     WHERE deployment_id = %(deployment)s AND decided_at > %(window)s
     AND role = %(entry)s AND filled_quantity > 0)
FROM (
    SELECT
        role, filled_quantity, decided_at,
        parent_id IS NULL AND decided_at BETWEEN %(midnight)s AND %(as_of)s AS is_of_day
    FROM orders_order
    WHERE account_id = %(account)s AND decided_at >= %(earliest)s
) AS recent
"""


def order_pace(
    *,
    account: TradingAccount,
    deployment: Deployment | None,
    as_of: datetime,
    executions_since: datetime,
) -> OrderPace:
    """Return the counts at a moment.

    Args:
        deployment: Whose executions count; None: nobody's.
        as_of: Market time (UTC).
        executions_since: Executions of orders decided after it count (market time).
    """
    midnight = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {
        "account": account.pk,
        "deployment": deployment.pk if deployment else None,
        "final": FINAL_VALUES,
        "waiting": [OrderStatus.INTENT.value, OrderStatus.PENDING_NEW.value],
        "entry": OrderRole.ENTRY.value,
        "exit": OrderRole.EXIT.value,
        "as_of": as_of,
        "second": as_of - RATE_WINDOW,
        "midnight": midnight,
        "earliest": min(midnight, as_of - RATE_WINDOW),
        "window": executions_since,
    }
    counts = row_of(_PACE, values) or (0,) * 5
    return OrderPace(
        open_orders=counts[0],
        last_second=counts[1],
        today=counts[2],
        trades_today=counts[3],
        executions=counts[4],
    )
