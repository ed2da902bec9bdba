"""Takes a broker's reports into the books: orders, fills, positions and ledger, or a break."""

from dataclasses import dataclass

from django.db import connection, transaction

from apps.accounts.models import TradingAccount
from apps.orders.domain.ports import BrokerGateway
from apps.orders.domain.states import IllegalTransition, Overfill
from apps.orders.domain.types import FillReport, OrderReport, ReportPage
from apps.orders.models import Order
from apps.orders.services import OrderNotFound, fill_record, order_report_record
from apps.positions.services import fill_book
from apps.reconciliation.models import Break, ReportCursor
from apps.reconciliation.services.breaks import break_open


@dataclass(slots=True)
class IntakeResult:
    """What a round of intake brought."""

    reports: int = 0
    fills: int = 0
    breaks: int = 0


def reports_intake(*, account: TradingAccount, gateway: BrokerGateway) -> IntakeResult:
    """Record every report that the broker gave since the last intake, each once, in order.

    The broker is read outside any transaction. Each page is recorded in one, together with the
    cursor; a page that another worker recorded meanwhile is left alone.

    Raises:
        BrokerError: The broker could not be read; nothing of the page is recorded.
    """
    result = IntakeResult()
    at = _cursor_read(account)
    while True:
        page = gateway.reports_since(at)
        if not page.reports:
            return result
        if not _page_record(account=account, start=at, page=page, result=result):
            return result
        if not page.has_more:
            return result
        at = page.cursor


def _cursor_read(account: TradingAccount) -> str:
    # Plain SQL: every bar asks, and composing the query costs more than the query
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cursor FROM reconciliation_reportcursor WHERE account_id = %s", [account.pk]
        )
        row = cursor.fetchone()
    if row is not None:
        return str(row[0])
    return ReportCursor.objects.get_or_create(account=account)[0].cursor


@transaction.atomic
def _page_record(
    *, account: TradingAccount, start: str, page: ReportPage, result: IntakeResult
) -> bool:
    cursor = ReportCursor.objects.select_for_update().get(account=account)
    if cursor.cursor != start:
        return False
    for report in page.reports:
        _report_record(account=account, report=report, result=result)
    cursor.cursor = page.cursor
    cursor.save(update_fields=["cursor"])
    return True


def _report_record(
    *, account: TradingAccount, report: OrderReport | FillReport, result: IntakeResult
) -> None:
    result.reports += 1
    try:
        with transaction.atomic():
            if isinstance(report, FillReport):
                fill, is_new = fill_record(account=account, report=report)
                fill_book(fill=fill)
                result.fills += is_new
            else:
                order_report_record(account=account, report=report)
    except (OrderNotFound, IllegalTransition, Overfill) as refusal:
        _refusal_break(account=account, report=report, refusal=refusal)
        result.breaks += 1


def _refusal_break(
    *,
    account: TradingAccount,
    report: OrderReport | FillReport,
    refusal: OrderNotFound | IllegalTransition | Overfill,
) -> None:
    """Turn a report that our tables refuse into a break: it is never dropped."""
    unknown = isinstance(refusal, OrderNotFound)
    order = Order.objects.filter(account=account, client_order_id=report.client_order_id).first()
    break_open(
        account=account,
        kind=Break.Kind.ORDER_UNKNOWN_TO_DESK if unknown else Break.Kind.REPORT_REFUSED,
        key=_refusal_key(report),
        description=f"the broker's report on order {report.client_order_id} was refused: {refusal}",
        ours={"status": order.status, "filled_quantity": str(order.filled_quantity)}
        if order
        else {},
        theirs=_as_json(report),
        instrument=order.instrument if order else None,
        order=order,
    )


def _refusal_key(report: OrderReport | FillReport) -> str:
    if isinstance(report, FillReport):
        return f"{report.client_order_id}:{report.trade_id}"[:160]
    return f"{report.client_order_id}:{report.status}"[:160]


def _as_json(report: OrderReport | FillReport) -> dict[str, str]:
    return {name: str(getattr(report, name)) for name in report.__dataclass_fields__}
