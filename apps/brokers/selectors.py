"""Two reads that every bar makes, as plain SQL: composing them would cost more than both."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperOrder
from apps.marketdata.models import Instrument
from apps.orders.domain.fill_rules import RestingOrder
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderType, Side, TimeInForce

RESTING = (OrderStatus.NEW.value, OrderStatus.PARTIALLY_FILLED.value)

_ORDERS_WAITING = """
SELECT o.id, o.time_in_force, o.expires_at, o.order_type, o.side, o.limit_price, o.stop_price,
    o.trail_amount, o.trail_ratio, o.best_price, o.is_triggered, o.has_rested, o.post_only
FROM brokers_paperorder AS o
WHERE o.book_id = (SELECT id FROM brokers_paperbook WHERE account_id = %s)
    AND o.instrument_id = %s AND o.matched_until <= %s
    AND o.status IN ('NEW', 'PARTIALLY_FILLED')
"""
# The newest number and not "any above": the first comes from the end of the index, the second
# may be looked for in the whole table
_NEWEST_REPORT = """
SELECT (SELECT r.sequence FROM brokers_paperreport AS r WHERE r.book_id = b.id
        ORDER BY r.sequence DESC LIMIT 1)
FROM brokers_paperbook AS b WHERE b.account_id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingOrder:
    """An open order as far as it decides whether a bar does anything to it."""

    order_id: int
    time_in_force: TimeInForce
    expires_at: datetime | None
    resting: RestingOrder


def paper_orders_waiting(
    *, account_id: int, instrument_id: int, opened_at: datetime
) -> list[WaitingOrder]:
    """Return the open orders of the account that would meet a bar of the instrument opened then."""
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS_WAITING, [account_id, instrument_id, opened_at])
        return [_waiting_order(*row) for row in cursor.fetchall()]


def _waiting_order(
    order_id: int,
    time_in_force: str,
    expires_at: datetime | None,
    order_type: str,
    side: str,
    *prices_and_flags: Any,
) -> WaitingOrder:
    limit, stop, trail_amount, trail_ratio, best, *flags = prices_and_flags
    is_triggered, has_rested, post_only = flags
    return WaitingOrder(
        order_id=order_id,
        time_in_force=TimeInForce(time_in_force),
        expires_at=expires_at,
        resting=RestingOrder(
            order_type=OrderType(order_type),
            side=Side(side),
            limit_price=limit,
            stop_price=stop,
            trail_amount=trail_amount,
            trail_ratio=trail_ratio,
            best_price=best,
            is_triggered=is_triggered,
            has_rested=has_rested,
            post_only=post_only,
        ),
    )


def paper_reports_wait(*, account_id: int, after: int) -> bool | None:
    """Tell whether the account's book has reports after a sequence number; None: it has no book."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_REPORT, [account_id])
        book = cursor.fetchone()
    return None if book is None else (book[0] or 0) > after


def paper_account_list_resting(
    *, instrument: Instrument, opened_at: datetime
) -> QuerySet[TradingAccount]:
    """Return the paper accounts with an order that would meet a bar opened then, by name."""
    orders = PaperOrder.objects.filter(
        instrument=instrument, status__in=RESTING, matched_until__lte=opened_at
    )
    return TradingAccount.objects.filter(paper_book__in=orders.values("book")).order_by("name")
