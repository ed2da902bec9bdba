"""Money is booked once per source, in balance, and taken back only by booking the opposite."""

from decimal import Decimal

import pytest

from apps.accounts.models import TradingAccount
from apps.core.models import AuditEvent
from apps.orders.models import Fill
from apps.positions.domain.postings import Posting
from apps.positions.models import LedgerEntry, LedgerTransaction, Position, PositionChange
from apps.positions.selectors import cash_balance
from apps.positions.services import (
    LedgerRefused,
    deposit_book,
    fill_book,
    transaction_book,
    transaction_reverse,
)
from tests.factories.accounts import TradingAccountFactory, UserFactory
from tests.factories.orders import FillFactory, OrderFactory
from tests.orders.builders import AT

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def account() -> TradingAccount:
    return TradingAccountFactory(base_currency="USDT")


def deposit(account: TradingAccount, amount: str, source: str = "s") -> LedgerTransaction:
    return deposit_book(
        account=account,
        amount=D(amount),
        currency="USDT",
        source_id=source,
        occurred_at=AT,
        description="Transfer",
    )


def book(account: TradingAccount, *postings: Posting) -> tuple[LedgerTransaction, bool]:
    return transaction_book(
        account=account,
        source_type="test",
        source_id="s",
        description="Booking",
        occurred_at=AT,
        postings=postings,
    )


def cash(account: TradingAccount) -> Decimal:
    return cash_balance(account=account, currency="USDT")


def test_deposit_and_withdrawal_move_cash_against_capital(account: TradingAccount) -> None:
    deposit(account, "1000", "in")
    deposit(account, "-400.0000000001", "out")
    assert cash(account) == D("599.9999999999")
    assert [str(entry) for entry in LedgerEntry.objects.order_by("pk")] == [
        "-1000 USDT",
        "1000 USDT",
        "400.0000000001 USDT",
        "-400.0000000001 USDT",
    ]


def test_deposit_of_the_same_source_is_booked_and_audited_once(account: TradingAccount) -> None:
    first = deposit(account, "1000")
    assert deposit(account, "1000") == first
    assert cash(account) == D(1000)
    assert AuditEvent.objects.filter(action="ledger.deposit_booked").count() == 1


@pytest.mark.parametrize("amount", ["0", "0.00000000001"])
def test_deposit_of_nothing_is_refused(account: TradingAccount, amount: str) -> None:
    with pytest.raises(LedgerRefused, match="a deposit of zero books nothing"):
        deposit(account, amount)
    assert LedgerTransaction.objects.exists() is False
    assert AuditEvent.objects.filter(action="ledger.deposit_booked").exists() is False


@pytest.mark.parametrize(
    ("postings", "complaint"),
    [
        ([], "needs two postings or more"),
        ([Posting("CASH", "USDT", D(1))], "off by 1 USDT"),
        (
            [Posting("CASH", "USDT", D(1)), Posting("CAPITAL", "USDT", D("-0.9999999999"))],
            "off by 0.0000000001 USDT",
        ),
        (
            [Posting("CASH", "INR", D(1)), Posting("CAPITAL", "INR", D(-1))],
            "is kept in USDT; this version books no INR",
        ),
    ],
)
def test_booking_that_does_not_balance_is_refused_and_nothing_is_written(
    account: TradingAccount, postings: list[Posting], complaint: str
) -> None:
    with pytest.raises(LedgerRefused, match=complaint):
        book(account, *postings)
    assert LedgerTransaction.objects.exists() is False


def test_amounts_are_rounded_before_they_are_balanced(account: TradingAccount) -> None:
    _, is_new = book(
        account,
        Posting("CASH", "USDT", D("1.00000000004")),
        Posting("CAPITAL", "USDT", D("-1.00000000001")),
    )
    assert is_new is True
    assert cash(account) == D(1)


def test_source_booked_again_returns_the_first_booking(account: TradingAccount) -> None:
    postings = Posting("CASH", "USDT", D(1)), Posting("CAPITAL", "USDT", D(-1))
    first, _ = book(account, *postings)
    assert book(account, *postings) == (first, False)
    assert LedgerEntry.objects.count() == 2


def test_reversal_books_the_opposite_once_and_says_why(account: TradingAccount) -> None:
    booked, colin = deposit(account, "1000"), UserFactory(email="colin@desk.example")
    reversal = transaction_reverse(transaction=booked, reason="wrong account", actor=colin)
    assert transaction_reverse(transaction=booked, reason="again", actor=colin) == reversal
    assert cash(account) == 0
    assert reversal.description == "Reversal of Transfer"
    event = AuditEvent.objects.get(action="ledger.transaction_reversed")
    assert (event.reason, event.actor_label) == ("wrong account", "colin@desk.example")


def test_reversal_can_be_reversed(account: TradingAccount) -> None:
    reversal = transaction_reverse(transaction=deposit(account, "1000"), reason="wrong", actor=None)
    transaction_reverse(transaction=reversal, reason="it was right after all", actor=None)
    assert cash(account) == D(1000)


def test_reversal_without_a_reason_is_refused(account: TradingAccount) -> None:
    booked = deposit(account, "1000")
    with pytest.raises(LedgerRefused, match="needs a reason"):
        transaction_reverse(transaction=booked, reason=" ", actor=None)
    assert LedgerTransaction.objects.count() == 1


@pytest.mark.parametrize("changes", [{"commission_currency": "BNB"}, {"quote": "INR"}], ids=str)
def test_fill_in_a_currency_that_is_not_the_accounts_is_refused_whole(
    account: TradingAccount, changes: dict[str, str]
) -> None:
    order = OrderFactory(account=account, status="NEW")
    if quote := changes.get("quote"):
        order.instrument.kind, order.instrument.quote_currency = "SPOT", quote
        order.instrument.save()
    fill: Fill = FillFactory(
        order=order, commission_currency=changes.get("commission_currency", "USDT")
    )
    with pytest.raises(LedgerRefused, match="this version books no"):
        fill_book(fill=fill)
    assert Position.objects.exists() is False
    assert PositionChange.objects.exists() is False
    assert LedgerTransaction.objects.exists() is False


def test_longest_trade_id_fits_into_its_source(account: TradingAccount) -> None:
    fill: Fill = FillFactory(order__account=account, trade_id="t" * 64)
    fill_book(fill=fill)
    booked = LedgerTransaction.objects.get(source_type="orders.Fill")
    assert booked.source_id == f"{fill.order.client_order_id}:{'t' * 64}"
