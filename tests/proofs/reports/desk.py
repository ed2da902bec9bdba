"""The product's account on PostgreSQL, driven through its services and read for the comparison."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from apps.accounts.models import TradingAccount
from apps.marketdata.models import Instrument
from apps.orders.domain.states import IllegalTransition
from apps.orders.domain.types import OrderRole, OrderType, Side
from apps.orders.models import Fill, InstrumentFreeze, Order, OrderEvent
from apps.orders.services import (
    AmendmentRefused,
    OrderPlan,
    order_abandon,
    order_absence_record,
    order_amend_refuse,
    order_amend_request,
    order_cancel_request,
    order_claim,
    order_create,
    order_mark_unknown,
    order_reject,
    order_return_unsent,
)
from apps.positions.models import LedgerAccount, NetPosition, Position
from apps.positions.selectors import cash_balance, ledger_unbalanced
from apps.positions.services import deposit_book
from apps.reconciliation.models import Break
from apps.reconciliation.services import IntakeResult, reports_intake
from apps.strategies.models import Deployment
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory
from tests.orders.builders import AT
from tests.positions.reference import ReferencePosition
from tests.proofs.reports.reference import ENDED, ReferenceAccount, ReferenceOrder
from tests.proofs.reports.steps import Plan
from tests.proofs.reports.venue import Report, quantity_of
from tests.reconciliation.broker import ScriptedBroker, page_of

START = Decimal(100_000)
LIMIT_PRICE = Decimal(100)
SERVICES: dict[str, Callable[[Order], object]] = {
    "claim": lambda order: order_claim(order=order, epoch=1),
    "unsent": lambda order: order_return_unsent(order=order, reason="refused"),
    "unknown": lambda order: order_mark_unknown(order=order, reason="timeout"),
    "absent": lambda order: order_absence_record(order=order, reason="never seen"),
    "abandon": lambda order: order_abandon(order=order, reason="stale"),
    "cancel": lambda order: order_cancel_request(order=order, reason="enough"),
    "reject": lambda order: order_reject(order=order, code="1", reason="no"),
    "amend_refused": lambda order: order_amend_refuse(order=order, reason="too far"),
}


@dataclass
class Desk:
    """An account with its owners (two deployments and a person) and three instruments."""

    account: TradingAccount
    owners: list[Deployment | None]
    instruments: list[Instrument]

    def order_create(self, plan: Plan, *, number: int) -> Order:
        return order_create(
            account=self.account,
            instrument=self.instruments[plan.instrument],
            deployment=self.owners[plan.owner],
            plan=OrderPlan(
                key=str(number),
                decided_at=AT,
                side=Side.BUY if plan.is_buy else Side.SELL,
                role=OrderRole.ENTRY,
                order_type=OrderType.LIMIT,
                quantity=quantity_of(plan.size),
                limit_price=LIMIT_PRICE,
            ),
        )

    def act(self, order: Order, name: str, terms: dict[str, Decimal]) -> bool:
        """Let the desk take a step; False when it refuses."""
        order.refresh_from_db()
        try:
            if name == "amend":
                order_amend_request(
                    order=order,
                    quantity=terms.get("quantity"),
                    limit_price=terms.get("limit_price"),
                    reason="better",
                )
            else:
                SERVICES[name](order)
        except (IllegalTransition, AmendmentRefused):
            return False
        return True

    def intake(self, page: Iterable[Report], *, start: str, end: str) -> IntakeResult:
        broker = ScriptedBroker(pages={start: page_of(*page, cursor=end)})
        return reports_intake(account=self.account, gateway=broker)

    def constraints_check(self) -> None:
        """Meet what the database checks at the end of a transaction."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def a_desk() -> Desk:
    account: TradingAccount = TradingAccountFactory(base_currency="USDT")
    deposit_book(
        account=account,
        amount=START,
        currency="USDT",
        source_id="start",
        occurred_at=AT,
        description="Start",
    )
    return Desk(
        account=account,
        owners=[DeploymentFactory(account=account), DeploymentFactory(account=account), None],
        instruments=[
            InstrumentFactory(kind="PERPETUAL", multiplier=Decimal(1)),
            InstrumentFactory(kind="PERPETUAL", multiplier=Decimal("0.001")),
            InstrumentFactory(kind="SPOT", multiplier=Decimal(1)),
        ],
    )


def states_agree(desk: Desk, model: ReferenceAccount) -> None:
    """Compare where every order stands, what has filled and what was refused."""
    breaks = Break.objects.filter(account=desk.account, state="OPEN")
    same("breaks", set(breaks.values_list("kind", "key")), model.breaks)
    rows = Order.objects.filter(account=desk.account)
    stands = rows.values_list("client_order_id", "status", "filled_quantity")
    same(
        "orders",
        {name: (status, Fraction(filled)) for name, status, filled in stands},
        {name: (order.state, order.filled) for name, order in model.orders.items()},
    )


def same(what: str, ours: object, expected: object) -> None:
    """Raise where the desk has something else than the model."""
    if ours == expected:
        return
    if isinstance(ours, set | dict) and isinstance(expected, set | dict):
        ours, expected = _only(ours, expected), _only(expected, ours)
    raise AssertionError(f"{what}: the desk has {ours}, the model {expected}")


def _only(one: Collection[Any], other: Collection[Any]) -> list[Any]:
    known = list(other.items() if isinstance(other, dict) else other)
    return [each for each in (one.items() if isinstance(one, dict) else one) if each not in known]


def books_agree(desk: Desk, model: ReferenceAccount) -> None:
    """Compare everything that reports may change, to the last digit."""
    _orders_agree(desk, model)
    fills = Fill.objects.filter(order__account=desk.account).values_list(
        "order__client_order_id", "trade_id", "quantity", "price"
    )
    same(
        "fills",
        {(name, trade): (Fraction(units), Fraction(price)) for name, trade, units, price in fills},
        {
            (name, trade): terms
            for name, order in model.orders.items()
            for trade, terms in order.fills.items()
        },
    )
    _positions_agree(desk, model)
    _ledger_agrees(desk, model)


def _orders_agree(desk: Desk, model: ReferenceAccount) -> None:
    of_account = {"order__account": desk.account}
    steps = Counter(OrderEvent.objects.filter(**of_account).values_list("order", flat=True))
    frozen = InstrumentFreeze.objects.filter(**of_account, released_at=None)
    frozen_by = set(frozen.values_list("order", flat=True))
    for row in Order.objects.filter(account=desk.account):
        order = model.orders[row.client_order_id]
        same(f"order {row}", _row_of(row), _expected_row(order))
        same(f"history of {row}", steps[row.pk], order.steps)
        same(f"freeze by {row}", row.pk in frozen_by, order.state == "UNKNOWN")


def _row_of(row: Order) -> dict[str, Any]:
    asked = row.amendment or {}
    return {
        "state": row.status,
        "quantity": Fraction(row.quantity),
        "limit_price": Fraction(row.limit_price or 0),
        "filled": Fraction(row.filled_quantity),
        "average": None if row.average_fill_price is None else Fraction(row.average_fill_price),
        "asked": {name: Fraction(value) for name, value in asked.items()},
        "venue_order_id": row.venue_order_id,
        "is_closed": row.closed_at is not None,
        "is_unknown": row.unknown_since is not None,
    }


def _expected_row(order: ReferenceOrder) -> dict[str, Any]:
    return {
        "state": order.state,
        "quantity": order.quantity,
        "limit_price": order.limit_price,
        "filled": order.filled,
        "average": order.average,
        "asked": order.asked,
        "venue_order_id": order.venue_order_id,
        "is_closed": order.state in ENDED,
        "is_unknown": order.state == "UNKNOWN",
    }


def _positions_agree(desk: Desk, model: ReferenceAccount) -> None:
    owners = {None if each is None else each.pk: n for n, each in enumerate(desk.owners)}
    instruments = {each.pk: n for n, each in enumerate(desk.instruments)}
    held = {
        (owners[row.deployment_id], instruments[row.instrument_id]): row
        for row in Position.objects.filter(account=desk.account)
    }
    same(
        "positions",
        {key: _held(row) for key, row in held.items()},
        {key: _expected(each) for key, each in model.books.owners.items()},
    )
    paid = {key: Fraction(row.commission) for key, row in held.items()}
    same("commissions", paid, model.commissions)
    nets = NetPosition.objects.filter(account=desk.account)
    same(
        "net positions",
        {instruments[row.instrument_id]: _held(row) for row in nets},
        {key: _expected(each) for key, each in model.books.nets.items()},
    )


def _held(row: Position | NetPosition) -> tuple[Fraction, Fraction, Fraction]:
    return Fraction(row.quantity), Fraction(row.average_entry_price), Fraction(row.realized_pnl)


def _expected(position: ReferencePosition) -> tuple[Fraction, Fraction, Fraction]:
    return position.quantity, position.average, position.realized


def _ledger_agrees(desk: Desk, model: ReferenceAccount) -> None:
    cash = cash_balance(account=desk.account, currency="USDT")
    same("cash", Fraction(cash), model.books.cash)
    paid = LedgerAccount.objects.filter(account=desk.account, code="COMMISSION")
    balances = (Fraction(row.balance) for row in paid)
    same("commission", sum(balances, Fraction(0)), model.books.commission)
    same("books", ledger_unbalanced(account=desk.account), [])
