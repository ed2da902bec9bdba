"""The check of the books finds whatever was tampered with, past all that should prevent it."""

from decimal import Decimal

import pytest
from django.db import connection

from apps.accounts.models import TradingAccount
from apps.orders.models import Order
from apps.positions.models import LedgerAccount, LedgerEntry, NetPosition, Position
from apps.positions.selectors import ledger_unbalanced
from apps.reconciliation.services import report_take_in
from tests.factories.accounts import TradingAccountFactory
from tests.factories.orders import FillFactory
from tests.orders.builders import a_fill_report, accepted, an_order

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def order() -> Order:
    """An order of which one unit is bought at 100 with a commission of 0.06."""
    made = accepted(an_order(account=TradingAccountFactory(name="alpha")))
    assert report_take_in(account=made.account, report=a_fill_report(made, 1))
    return made


@pytest.fixture
def account(order: Order) -> TradingAccount:
    assert ledger_unbalanced(account=order.account) == []
    return order.account


def the_complaint(account: TradingAccount) -> str:
    [found] = ledger_unbalanced(account=account)
    assert ledger_unbalanced() == [found]
    assert ledger_unbalanced(account=TradingAccountFactory()) == []
    return found


def triggers_off(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def test_entry_slipped_into_a_transaction_is_found(account: TradingAccount) -> None:
    triggers_off("positions_ledgerentry")
    cash = LedgerAccount.objects.get(account=account, code="CASH")
    booked = LedgerEntry.objects.filter(ledger_account=cash).get().transaction
    LedgerEntry.objects.create(
        transaction=booked, ledger_account=cash, currency="USDT", amount=D("0.01")
    )
    assert sorted(ledger_unbalanced(account=account)) == [
        f"CASH USDT of {account.pk} says -0.06, its entries sum to -0.05",
        f"ledger transaction {booked.pk} is off by 0.01 USDT",
    ]


def test_balance_set_by_hand_is_found(account: TradingAccount) -> None:
    triggers_off("positions_ledgeraccount")
    LedgerAccount.objects.filter(account=account, code="CASH").update(balance=D(5))
    assert "says 5, its entries sum to -0.06" in the_complaint(account)


def test_balance_without_any_entry_is_found(account: TradingAccount) -> None:
    triggers_off("positions_ledgeraccount")
    LedgerAccount.objects.create(account=account, code="HOLDINGS", currency="USDT", balance=D(7))
    assert "HOLDINGS USDT" in the_complaint(account)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quantity": D(2)}, "says 2 at 100 with 0 realised, its fills give 1 at 100"),
        ({"average_entry_price": D(99)}, "says 1 at 99 with 0 realised, its fills give 1 at 100"),
        ({"realized_pnl": D(5)}, "says 1 at 100 with 5 realised, its fills give 1 at 100"),
    ],
    ids=str,
)
def test_position_that_does_not_follow_from_its_fills_is_found(
    account: TradingAccount, changes: dict[str, Decimal], says: str
) -> None:
    Position.objects.update(**changes)
    complaint = the_complaint(account)
    assert complaint.startswith("position ")
    assert says in complaint


def test_net_position_that_does_not_follow_from_the_fills_is_found(
    account: TradingAccount,
) -> None:
    NetPosition.objects.update(quantity=D(3))
    assert the_complaint(account).startswith("net position ")


def test_fill_that_was_never_booked_is_found(account: TradingAccount) -> None:
    FillFactory(order=Order.objects.get(), trade_id="t9", quantity=D("0.5"))
    found = ledger_unbalanced(account=account)
    assert found[0] == f"fill t9 of order {Order.objects.get()} is not booked"
    assert [line.split(" ")[0] for line in found[1:]] == ["position", "net"]
