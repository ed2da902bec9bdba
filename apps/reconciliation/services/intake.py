"""Takes a broker's reports into the books: orders, fills, positions and ledger, or a break."""

from dataclasses import dataclass

from django.db import DataError, transaction

from apps.accounts.models import TradingAccount
from apps.core.money import AmountUnstorable, plain
from apps.core.rows import row_of
from apps.orders.domain.ports import BrokerGateway
from apps.orders.domain.states import IllegalTransition, Overfill
from apps.orders.domain.types import FillReport, OrderReport, ReportPage
from apps.orders.models import Order, OrderQuote
from apps.orders.services import (
    OrderNotFound,
    ReportContradicts,
    fill_record,
    order_quote_record,
    order_report_record,
)
from apps.positions.services import LedgerRefused, fill_book
from apps.reconciliation.models import Break, ReportCursor
from apps.reconciliation.services.breaks import break_open

REFUSALS = (
    OrderNotFound,
    IllegalTransition,
    Overfill,
    ReportContradicts,
    LedgerRefused,
    # A result or a text that no column holds; it would else hold up every report behind it
    AmountUnstorable,
    DataError,
)
"""Why a report cannot be recorded."""


@dataclass(slots=True)
class IntakeResult:
    """What a round of intake brought.

    Attributes:
        cursor: How far the reports are recorded; the next intake may start from it.
    """

    cursor: str
    reports: int = 0
    breaks: int = 0


def reports_intake(
    *, account: TradingAccount, gateway: BrokerGateway, after: str | None = None
) -> IntakeResult:
    """Record every report that the broker gave since the last intake, each once, in order.

    The broker is read outside any transaction. Each page is recorded in one, together with the
    cursor; a page that another worker recorded meanwhile is left alone.

    Args:
        after: Cursor of an earlier intake's result, which saves reading it. One that is old by
            now costs a second look at the broker and nothing else.

    Raises:
        BrokerError: The broker could not be read; nothing of the page is recorded.
    """
    result = IntakeResult(cursor=_cursor_read(account) if after is None else after)
    while True:
        page = gateway.reports_since(result.cursor)
        if page.cursor == result.cursor:
            return result
        if not _page_record(account=account, start=result.cursor, page=page, result=result):
            result.cursor = _cursor_read(account)
            continue
        result.cursor = page.cursor
        if not page.has_more:
            return result


_CURSOR = "SELECT cursor FROM reconciliation_reportcursor WHERE account_id = %(account)s"
_CURSOR_LOCK = f"{_CURSOR} FOR UPDATE"
_CURSOR_MOVE = """
UPDATE reconciliation_reportcursor SET cursor = %(cursor)s WHERE account_id = %(account)s
RETURNING id
"""


def _cursor_read(account: TradingAccount) -> str:
    row = row_of(_CURSOR, {"account": account.pk})
    if row is not None:
        return str(row[0])
    return ReportCursor.objects.get_or_create(account=account)[0].cursor


@transaction.atomic
def _page_record(
    *, account: TradingAccount, start: str, page: ReportPage, result: IntakeResult
) -> bool:
    if row_of(_CURSOR_LOCK, {"account": account.pk}) != (start,):
        return False
    for report in page.reports:
        _report_record(account=account, report=report, result=result)
    row_of(_CURSOR_MOVE, {"account": account.pk, "cursor": page.cursor})
    return True


def _report_record(
    *, account: TradingAccount, report: OrderReport | FillReport, result: IntakeResult
) -> None:
    result.reports += 1
    if not report_take_in(account=account, report=report):
        result.breaks += 1


def report_take_in(*, account: TradingAccount, report: OrderReport | FillReport) -> bool:
    """Record one report in orders, fills, positions and ledger together.

    Returns:
        False where our tables refuse it: it changes nothing and is kept as a break.
    """
    try:
        with transaction.atomic():
            if isinstance(report, FillReport):
                fill, is_new = fill_record(account=account, report=report)
                fill_book(fill=fill)
                if is_new:
                    order_quote_record(order=fill.order, moment=OrderQuote.Moment.FILL, fill=fill)
            else:
                order_report_record(account=account, report=report)
    except REFUSALS as refusal:
        _refusal_break(account=account, report=report, refusal=refusal)
        return False
    return True


def _refusal_break(
    *, account: TradingAccount, report: OrderReport | FillReport, refusal: Exception
) -> None:
    """Turn a report that our tables refuse into a break: it is never dropped."""
    name = _visible(report.client_order_id)
    order = Order.objects.filter(account=account, client_order_id=name).first()
    break_open(
        account=account,
        kind=_refusal_kind(report, refusal),
        key=_visible(_refusal_key(report, refusal)),
        description=_visible(f"the broker's report on order {name} was refused: {refusal}"),
        ours={"status": order.status, "filled_quantity": plain(order.filled_quantity)}
        if order
        else {},
        theirs=_as_json(report),
        instrument=order.instrument if order else None,
        order=order,
    )


def _refusal_kind(report: OrderReport | FillReport, refusal: Exception) -> Break.Kind:
    if not isinstance(refusal, OrderNotFound):
        return Break.Kind.REPORT_REFUSED
    if isinstance(report, FillReport):
        return Break.Kind.FILL_UNKNOWN_TO_DESK
    return Break.Kind.ORDER_UNKNOWN_TO_DESK


def _refusal_key(report: OrderReport | FillReport, refusal: Exception) -> str:
    """Return what the break is about, in the words of the runs, which may find the same thing."""
    if isinstance(report, FillReport):
        return f"{report.client_order_id}:{report.trade_id}"
    if isinstance(refusal, OrderNotFound):
        return report.client_order_id
    return f"{report.client_order_id}:{report.status}"


def _as_json(report: OrderReport | FillReport) -> dict[str, str]:
    return {name: _visible(str(getattr(report, name))) for name in report.__dataclass_fields__}


def _visible(text: str) -> str:
    """Return a text that PostgreSQL takes: it stores no NUL."""
    return text.replace("\0", "\\0")
