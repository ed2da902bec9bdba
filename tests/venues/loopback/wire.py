"""Reads what the venue answers as hostile input: types, ranges, words and identities."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import (
    BalanceReport,
    FillReport,
    OrderReport,
    PositionReport,
    ReportPage,
    Side,
)

Word = TypeVar("Word", bound=StrEnum)
Body = Mapping[str, Any]

LONGEST_TEXT = 200
LONGEST_CURSOR = 200  # characters that the desk keeps
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,10})?")
_IDENTITY = re.compile(r"[!-~]{1,64}")
_CURRENCY = re.compile(r"[A-Z0-9]{2,12}")
_REPORTED = frozenset(
    {
        *(OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED),
        *(OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED),
    }
)


class Garbled(ValueError):
    """The venue's answer is none that it could have meant."""


def body_read(payload: bytes) -> Body:
    """Return the JSON object of an answer."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"no JSON: {error}") from error
    return _object(body, "the answer")


def refusal_read(body: Body) -> tuple[str, str]:
    """Return code and sentence of a refusal."""
    return _identity(body, "code"), _text(body, "message") or "refused without a word"


def order_report_read(body: object) -> OrderReport:
    """Return where the venue says that an order stands."""
    found = _object(body, "an order")
    status = _word(found, "status", OrderStatus)
    if status not in _REPORTED:
        raise Garbled(f"status {status} is not a venue's to tell")
    return OrderReport(
        client_order_id=_identity(found, "client_order_id"),
        venue_order_id=_identity(found, "venue_order_id"),
        symbol=_identity(found, "symbol"),
        side=_word(found, "side", Side),
        quantity=_decimal(found, "quantity", at_least=Decimal(0)),
        status=status,
        filled_quantity=_decimal(found, "filled_quantity", at_least=Decimal(0)),
        occurred_at=_moment(found, "occurred_at"),
        stop_price=_price_or_none(found, "stop_price"),
        limit_price=_price_or_none(found, "limit_price"),
        text=_text(found, "text"),
    )


def fill_report_read(body: object) -> FillReport:
    """Return one execution."""
    found = _object(body, "a fill")
    return FillReport(
        trade_id=_identity(found, "trade_id"),
        client_order_id=_identity(found, "client_order_id"),
        venue_order_id=_identity(found, "venue_order_id"),
        symbol=_identity(found, "symbol"),
        side=_word(found, "side", Side),
        quantity=_positive(found, "quantity"),
        price=_positive(found, "price"),
        commission=_decimal(found, "commission"),
        commission_currency=_currency(found, "commission_currency"),
        executed_at=_moment(found, "executed_at"),
    )


def report_page_read(body: Body, *, after: str) -> ReportPage:
    """Return a page of the stream, which must lead on."""
    reports = tuple(_report(item) for item in _list(body, "reports"))
    cursor = _text(body, "cursor", longest=LONGEST_CURSOR)
    has_more = body.get("has_more")
    if not isinstance(has_more, bool):
        raise Garbled(f"has_more is {has_more!r}, not true or false")
    _cursor_check(cursor, after=after, is_empty=not reports, has_more=has_more)
    return ReportPage(reports=reports, cursor=cursor, has_more=has_more)


def fills_read(body: Body, *, after: str) -> tuple[list[FillReport], str]:
    """Return executions and the cursor to go on from."""
    fills = [fill_report_read(item) for item in _list(body, "fills")]
    cursor = _text(body, "cursor", longest=LONGEST_CURSOR)
    _cursor_check(cursor, after=after, is_empty=not fills, has_more=False)
    return fills, cursor


def _cursor_check(cursor: str, *, after: str, is_empty: bool, has_more: bool) -> None:
    """Refuse a cursor that would lose reports, or read them for ever."""
    if is_empty and (has_more or cursor != after):
        raise Garbled(f"an empty page leads from cursor {after!r} to {cursor!r}")
    if not is_empty and cursor in ("", after):
        raise Garbled(f"a page with reports does not lead on from cursor {after!r}")


def open_page_read(body: Body, *, after: str) -> tuple[list[OrderReport], str]:
    """Return a page of working orders, and the cursor of the next; "" after the last."""
    orders = [order_report_read(item) for item in _list(body, "orders")]
    has_more, cursor = body.get("has_more"), _text(body, "cursor", longest=LONGEST_CURSOR)
    if not isinstance(has_more, bool) or has_more != bool(cursor):
        raise Garbled(f"has_more is {has_more!r} with cursor {cursor!r}")
    if has_more and (cursor == after or not orders):
        raise Garbled(f"a page of working orders does not lead on from cursor {after!r}")
    return orders, cursor


def orders_read(body: Body) -> list[OrderReport]:
    """Return the orders that a look-up found."""
    return [order_report_read(item) for item in _list(body, "orders")]


def position_read(body: object) -> PositionReport:
    """Return what is held of one symbol."""
    found = _object(body, "a position")
    quantity = _decimal(found, "quantity")
    if quantity == 0:
        raise Garbled("a flat position is listed")
    return PositionReport(
        symbol=_identity(found, "symbol"),
        quantity=quantity,
        average_entry_price=_positive(found, "average_entry_price"),
    )


def balance_read(body: object) -> BalanceReport:
    """Return the cash of one currency."""
    found = _object(body, "a balance")
    return BalanceReport(currency=_currency(found, "currency"), cash=_decimal(found, "cash"))


def listed(body: Body, name: str) -> list[Any]:
    """Return a list of an answer: one that is missing is never read as empty."""
    return _list(body, name)


def count_read(body: Body) -> int:
    """Return a count from zero on."""
    count = body.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise Garbled(f"count is {count!r}")
    return count


def _report(item: object) -> OrderReport | FillReport:
    found = _object(item, "a report")
    if found.get("type") == "FILL":
        return fill_report_read(found)
    if found.get("type") == "ORDER":
        return order_report_read(found)
    raise Garbled(f"a report of type {found.get('type')!r}")


def _object(value: object, what: str) -> Body:
    if not isinstance(value, dict):
        raise Garbled(f"{what} is {_shown(value)}, not an object")
    return value


def _list(body: Body, name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise Garbled(f"{name} is {_shown(value)}, not a list")
    return value


def _text(body: Body, name: str, *, longest: int | None = None) -> str:
    """Return a text for a person, cut short; one with a ``longest`` is refused instead."""
    value = body.get(name)
    if not isinstance(value, str) or (longest is not None and len(value) > longest):
        raise Garbled(f"{name} is {_shown(value)}, not a text")
    return value if longest is not None else value[:LONGEST_TEXT]


def _identity(body: Body, name: str) -> str:
    return _matching(body, name, _IDENTITY)


def _currency(body: Body, name: str) -> str:
    return _matching(body, name, _CURRENCY)


def _matching(body: Body, name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Garbled(f"{name} is {_shown(value)}")
    return value


def _decimal(body: Body, name: str, *, at_least: Decimal | None = None) -> Decimal:
    number = Decimal(_matching(body, name, _DECIMAL))
    if at_least is not None and number < at_least:
        raise Garbled(f"{name} is {number}, below {at_least}")
    return number


def _positive(body: Body, name: str) -> Decimal:
    number = _decimal(body, name)
    if number <= 0:
        raise Garbled(f"{name} is {number}, not positive")
    return number


def _price_or_none(body: Body, name: str) -> Decimal | None:
    return None if body.get(name) is None else _positive(body, name)


def _word(body: Body, name: str, words: type[Word]) -> Word:
    value = body.get(name)
    try:
        return words(str(value))
    except ValueError:
        raise Garbled(f"{name} is {_shown(value)}, which is unknown") from None


def _moment(body: Body, name: str) -> datetime:
    value = body.get(name)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Garbled(f"{name} is {_shown(value)}: {error}") from error
    raise Garbled(f"{name} is {_shown(value)}, not a moment with a time zone")


def _shown(value: object) -> str:
    return repr(value)[:80]
