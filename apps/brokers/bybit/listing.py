"""Reads Bybit's lists whole: page after page, window after window, each row once."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.rows import ExecutionRow, OrderRow, execution_row, order_row
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.symbols import Category
from apps.brokers.bybit.wire import Body, Garbled, page_cursor, rows
from apps.orders.domain.ports import Unavailable

Row = TypeVar("Row")

MOST_PAGES = 2_000
WINDOW_MS = 7 * 24 * 3600 * 1000 - 1
"""The longest time that Bybit answers about at once."""

ORDERS_PAGE, EXECUTIONS_PAGE, POSITIONS_PAGE = 50, 100, 200


def pages_read(
    session: BybitSession, ask: Ask, read: Callable[[Body], Row], **params: object
) -> list[Row]:
    """Return the rows of every page.

    Raises:
        BrokerError: A page could not be read: there is no half list.
    """
    found: list[Row] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page, following = session.ask(
            ask,
            lambda result: _page(result, read),
            **params,
            **({"cursor": cursor} if cursor else {}),
        )
        found += page
        if not following:
            return found
        if following == cursor:
            raise Unavailable(f"Bybit's list of {ask} leads from a page to the same page")
        cursor = following
    raise Unavailable(f"Bybit's list of {ask} did not end after {MOST_PAGES} pages")


def _page(result: Body, read: Callable[[Body], Row]) -> tuple[list[Row], str]:
    return [read(row) for row in rows(result)], page_cursor(result)


def windows(start_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the windows that cover the time from ``start_ms`` on, both ends included."""
    while True:
        yield start_ms, start_ms + WINDOW_MS
        start_ms += WINDOW_MS + 1
        if start_ms > until_ms:
            return


def open_orders_read(
    session: BybitSession, category: Category, *, settle_coin: str = "", symbol: str = ""
) -> list[OrderRow]:
    """Return the working orders of a category, conditional ones included; each once."""
    place = {"symbol": symbol} if symbol else {"settleCoin": settle_coin} if settle_coin else {}
    found = pages_read(
        session,
        Ask.ORDERS,
        lambda row: order_row(row, category),
        category=category,
        openOnly=0,
        limit=ORDERS_PAGE,
        **place,
    )
    return [row for row in orders_merged(found) if not row.is_closed]


def history_read(
    session: BybitSession, category: Category, *, start_ms: int, end_ms: int
) -> list[OrderRow]:
    """Return the closed orders of a window of seven days at most."""
    found = pages_read(
        session,
        Ask.HISTORY,
        lambda row: order_row(row, category),
        category=category,
        startTime=start_ms,
        endTime=end_ms,
        limit=ORDERS_PAGE,
    )
    return [row for row in orders_merged(found) if row.is_closed]


def executions_read(
    session: BybitSession, category: Category, *, start_ms: int, end_ms: int
) -> list[ExecutionRow]:
    """Return the executions of a window of seven days at most, each once."""
    found = pages_read(
        session,
        Ask.EXECUTIONS,
        lambda row: execution_row(row, category),
        category=category,
        startTime=start_ms,
        endTime=end_ms,
        limit=EXECUTIONS_PAGE,
    )
    by_id: dict[str, ExecutionRow] = {}
    for row in found:
        if row is None:
            continue
        if by_id.setdefault(row.report.trade_id, row) != row:
            raise Unavailable(f"Bybit tells two things of execution {row.report.trade_id}")
    return list(by_id.values())


def orders_merged(found: list[OrderRow]) -> list[OrderRow]:
    """Return each order once, as it stands latest: closed beats open, more filled beats less."""
    by_id: dict[str, OrderRow] = {}
    for row in found:
        known = by_id.get(row.report.venue_order_id)
        if known is None or _progress(row) > _progress(known):
            by_id[row.report.venue_order_id] = row
    return list(by_id.values())


def _progress(row: OrderRow) -> tuple[bool, object, int]:
    return row.is_closed, row.report.filled_quantity, row.updated_ms


def single(found: list[OrderRow], *, client_order_id: str, venue_code: str) -> OrderRow | None:
    """Return the one order of an id, or None.

    Raises:
        Garbled: The venue answered about another order, or about several.
    """
    for row in found:
        if (row.report.client_order_id, row.venue.code) != (client_order_id, venue_code):
            raise Garbled(
                f"asked about order {client_order_id} of {venue_code}, answered about "
                f"{row.report.client_order_id} of {row.venue.code}"
            )
    merged = orders_merged(found)
    if len(merged) > 1:
        raise Garbled(f"{len(merged)} orders have the id {client_order_id}")
    return merged[0] if merged else None
