"""Reads an account's reports and executions at Bybit from a cursor on."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from apps.accounts.models import TradingAccount
from apps.brokers.bybit.listing import (
    executions_read,
    history_read,
    open_orders_read,
    orders_merged,
    windows,
)
from apps.brokers.bybit.reach import Reach
from apps.brokers.bybit.reports import (
    Cursor,
    CursorRefused,
    Entry,
    cursor_after,
    cursor_load,
    entries_after,
    execution_entry,
    order_entry,
    place_before,
)
from apps.brokers.bybit.rows import OrderRow
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.stragglers import stragglers_read
from apps.brokers.bybit.wire import milliseconds_of
from apps.core.clock import wall_now
from apps.orders.domain.ports import Unavailable
from apps.orders.domain.types import FillReport, ReportPage

BEFORE_ACCOUNT = timedelta(minutes=1)
"""How long before its account was entered at the desk the beginning of a stream lies.

What was traded there before is none of the desk's.
"""

_AHEAD_MS = 60_000  # the venue's clock may be ahead of ours

Page = TypeVar("Page")


def open_orders_all(session: BybitSession, reach: Reach) -> list[OrderRow]:
    """Return every working order of an account, oldest first.

    Raises:
        BrokerError: A list could not be read; there is no half answer.
    """
    found: list[OrderRow] = []
    for coin in reach.settle_coins:
        found += open_orders_read(session, "linear", settle_coin=coin)
    if reach.spot:
        found += open_orders_read(session, "spot")
    return sorted(found, key=lambda row: (row.created_ms, row.report.venue_order_id))


def report_page_read(
    session: BybitSession, account: TradingAccount, reach: Reach, written: str
) -> ReportPage:
    """Return the reports of one window of time after a cursor.

    Raises:
        BrokerError: A list could not be read, or the cursor was never given out.
    """
    working = open_orders_all(session, reach)

    def entries(start_ms: int, end_ms: int) -> list[Entry]:
        orders = list(working)
        for category in reach.categories:
            orders += history_read(session, category, start_ms=start_ms, end_ms=end_ms)
        found = [order_entry(row) for row in orders_merged(orders)]
        return found + _executions(session, reach, start_ms, end_ms)

    found, cursor, is_last = _window_with_news(account, written, entries)
    told = entries_after(found, cursor)
    late = _late_entries(session, account, working, told) if is_last else []
    following = cursor_after([*found, *late], [*told, *late], cursor, is_nudged=bool(late))
    return ReportPage(
        reports=tuple(entry.report for entry in [*told, *late]),
        cursor=_moved_on(account, following, is_idle=not told and not late),
        has_more=not is_last,
    )


def _late_entries(
    session: BybitSession, account: TradingAccount, working: list[OrderRow], told: list[Entry]
) -> list[Entry]:
    known = {row.report.client_order_id for row in working}
    known |= {
        entry.report.client_order_id for entry in told if not isinstance(entry.report, FillReport)
    }
    return [order_entry(row) for row in stragglers_read(session, account, known=known)]


def fill_page_read(
    session: BybitSession, account: TradingAccount, reach: Reach, written: str
) -> tuple[list[FillReport], str]:
    """Return the executions of one window of time after a cursor, and the next cursor.

    Raises:
        BrokerError: A list could not be read, or the cursor was never given out.
    """
    found, cursor, is_last = _window_with_news(
        account, written, lambda start, end: _executions(session, reach, start, end)
    )
    told = entries_after(found, cursor)
    fills = [entry.report for entry in told if isinstance(entry.report, FillReport)]
    return fills, cursor_after(found, told, cursor) if told or is_last else written


def _executions(session: BybitSession, reach: Reach, start_ms: int, end_ms: int) -> list[Entry]:
    return [
        execution_entry(row)
        for category in reach.categories
        for row in executions_read(session, category, start_ms=start_ms, end_ms=end_ms)
    ]


def _window_with_news(
    account: TradingAccount, written: str, read: Callable[[int, int], list[Entry]]
) -> tuple[list[Entry], Cursor | None, bool]:
    """Read window after window until one has something to tell.

    Returns:
        Its entries, the cursor that was given, and whether it is the last window.
    """
    try:
        cursor = cursor_load(written)
    except CursorRefused as refused:
        raise Unavailable(str(refused)) from None
    until_ms = milliseconds_of(wall_now()) + _AHEAD_MS
    start_ms = cursor.read_from_ms if cursor else _beginning_ms(account)
    found: list[Entry] = []
    for window_start_ms, window_end_ms in windows(start_ms, until_ms):
        found += read(window_start_ms, window_end_ms)
        is_last = window_end_ms >= until_ms
        if is_last or _ended(entries_after(found, cursor), window_end_ms):
            return _until(found, window_end_ms), cursor, is_last
    return found, cursor, True


def _ended(entries: Iterable[Entry], end_ms: int) -> bool:
    """Tell whether a window has news of its own: working orders may be newer than it."""
    return any(entry.place.at_ms <= end_ms for entry in entries)


def _until(entries: list[Entry], end_ms: int) -> list[Entry]:
    return [entry for entry in entries if entry.place.at_ms <= end_ms]


def _beginning_ms(account: TradingAccount) -> int:
    return milliseconds_of(account.created_at - BEFORE_ACCOUNT)


def _moved_on(account: TradingAccount, cursor: str, *, is_idle: bool) -> str:
    """Let the cursor of a quiet account follow time, so that each look need not read months."""
    quiet_ms = milliseconds_of(wall_now() - timedelta(days=6))
    known = cursor_load(cursor)
    place_ms = known.place.at_ms if known else _beginning_ms(account)
    return place_before(quiet_ms) if is_idle and place_ms < quiet_ms - 24 * 3600 * 1000 else cursor
