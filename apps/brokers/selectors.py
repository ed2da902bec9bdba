"""Two reads that every bar makes, written as plain SQL: composing them would cost more than both."""

from datetime import datetime

from django.db import connection

_ORDERS_WAITING = """
SELECT 1 FROM brokers_paperorder AS o JOIN brokers_paperbook AS b ON b.id = o.book_id
WHERE b.account_id = %s AND o.instrument_id = %s AND o.matched_until <= %s
    AND o.status IN ('NEW', 'PARTIALLY_FILLED')
LIMIT 1
"""
_REPORTS_WAITING = """
SELECT 1 FROM brokers_paperreport AS r JOIN brokers_paperbook AS b ON b.id = r.book_id
WHERE b.account_id = %s AND r.sequence > %s LIMIT 1
"""


def paper_orders_wait(*, account_id: int, instrument_id: int, opened_at: datetime) -> bool:
    """Tell whether an order of the account would meet a bar of the instrument opened then."""
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS_WAITING, [account_id, instrument_id, opened_at])
        return cursor.fetchone() is not None


def paper_reports_wait(*, account_id: int, after: int) -> bool:
    """Tell whether the account's book has reports after a sequence number."""
    with connection.cursor() as cursor:
        cursor.execute(_REPORTS_WAITING, [account_id, after])
        return cursor.fetchone() is not None
