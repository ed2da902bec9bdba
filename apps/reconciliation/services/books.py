"""Reads both sides of a reconciliation: the broker through its port, our tables at one moment."""

from collections.abc import Iterable
from decimal import Decimal

from django.db import connection, transaction

from apps.accounts.models import TradingAccount
from apps.core.money import ZERO
from apps.orders.domain.ports import BrokerGateway
from apps.orders.domain.states import WORKING, OrderStatus
from apps.orders.domain.types import FillReport, OrderReport
from apps.orders.models import Fill
from apps.orders.selectors import order_list_working
from apps.positions.models import LedgerAccount, NetPosition
from apps.reconciliation.domain.matching import Books, FillFacts, OrderFacts


def books_theirs(gateway: BrokerGateway) -> Books:
    """Read the broker's side, outside any transaction.

    Raises:
        BrokerError: A read failed; there is no half answer.
    """
    orders = gateway.order_list_open()
    fills = _their_fills(gateway)
    return Books(
        orders={order.client_order_id: _their_order(order) for order in orders},
        fills={_fill_key(fill.client_order_id, fill.trade_id): _their_fill(fill) for fill in fills},
        positions=_summed((row.symbol, row.quantity) for row in gateway.position_list()),
        cash=_summed((row.currency, row.cash) for row in gateway.balance_list()),
    )


def _their_fills(gateway: BrokerGateway) -> list[FillReport]:
    fills: list[FillReport] = []
    cursor = ""
    while True:
        page, following = gateway.fill_list_since(cursor)
        fills += page
        if following == cursor:
            return fills
        cursor = following


def _summed(rows: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Add up the rows of one name: a venue may hold the long and the short side apart."""
    sums: dict[str, Decimal] = {}
    for name, amount in rows:
        sums[name] = sums.get(name, ZERO) + amount
    return {name: amount for name, amount in sums.items() if amount}


def books_ours(account: TradingAccount) -> Books:
    """Read our side in one snapshot of the database."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return Books(
            orders=_our_orders(account),
            fills=_our_fills(account),
            positions={
                row.instrument.symbol: row.quantity
                for row in NetPosition.objects.filter(account=account)
                .exclude(quantity=0)
                .select_related("instrument")
            },
            cash={
                row.currency: row.balance
                for row in LedgerAccount.objects.filter(
                    account=account, code=LedgerAccount.Code.CASH
                ).exclude(balance=0)
            },
        )


def _our_orders(account: TradingAccount) -> dict[str, OrderFacts]:
    return {
        order.client_order_id: OrderFacts(
            client_order_id=order.client_order_id,
            symbol=order.instrument.symbol,
            side=order.side,
            status=_standing(OrderStatus(order.status), order.filled_quantity),
            quantity=order.quantity,
            filled_quantity=order.filled_quantity,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
        )
        for order in order_list_working(account=account)
    }


def _our_fills(account: TradingAccount) -> dict[str, FillFacts]:
    rows = Fill.objects.filter(order__account=account).values_list(
        "order__client_order_id",
        "trade_id",
        "order__instrument__symbol",
        "side",
        "quantity",
        "price",
        "commission",
    )
    return {
        _fill_key(client_order_id, trade_id): FillFacts(
            trade_id=trade_id,
            client_order_id=client_order_id,
            symbol=symbol,
            side=side,
            quantity=quantity,
            price=price,
            commission=commission,
        )
        for client_order_id, trade_id, symbol, side, quantity, price, commission in rows
    }


def _their_order(report: OrderReport) -> OrderFacts:
    return OrderFacts(
        client_order_id=report.client_order_id,
        symbol=report.symbol,
        side=report.side.value,
        status=_standing(report.status, report.filled_quantity),
        quantity=report.quantity,
        filled_quantity=report.filled_quantity,
        limit_price=report.limit_price,
        stop_price=report.stop_price,
    )


def _standing(status: OrderStatus, filled_quantity: Decimal) -> str:
    """Name how a working order stands, whatever change of it is under way."""
    if status is OrderStatus.PENDING_NEW or status not in WORKING:
        return status.value
    standing = OrderStatus.PARTIALLY_FILLED if filled_quantity > 0 else OrderStatus.NEW
    return standing.value


def _their_fill(report: FillReport) -> FillFacts:
    return FillFacts(
        trade_id=report.trade_id,
        client_order_id=report.client_order_id,
        symbol=report.symbol,
        side=report.side.value,
        quantity=report.quantity,
        price=report.price,
        commission=report.commission,
    )


def _fill_key(client_order_id: str, trade_id: str) -> str:
    return f"{client_order_id}:{trade_id}"
