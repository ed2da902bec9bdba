"""The database itself keeps the ledger balanced, for the desk and for anyone with psql."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import TradingAccount
from apps.positions.models import LedgerAccount, LedgerEntry, LedgerTransaction
from tests.core.psql import psql
from tests.factories.accounts import TradingAccountFactory
from tests.factories.positions import (
    LedgerAccountFactory,
    LedgerEntryFactory,
    LedgerTransactionFactory,
)

D = Decimal


@pytest.fixture
def account(transactional_db: None) -> TradingAccount:
    return TradingAccountFactory()


@pytest.fixture
def codes(account: TradingAccount) -> dict[str, int]:
    kept = {
        code: LedgerAccountFactory(account=account, code=code).pk for code in ("CASH", "CAPITAL")
    }
    kept["RUPEES"] = LedgerAccountFactory(account=account, code="CASH", currency="INR").pk
    kept["STRANGER"] = LedgerAccountFactory(code="CAPITAL").pk
    return kept


@pytest.fixture
def booked(account: TradingAccount, codes: dict[str, int]) -> LedgerTransaction:
    with transaction.atomic():
        return LedgerTransactionFactory(account=account)


@pytest.fixture(autouse=True)
def ledger_balances_afterwards(transactional_db: None) -> Iterator[None]:
    yield
    sums: dict[tuple[int, str], Decimal] = {}
    kept: dict[int, Decimal] = {}
    for entry in LedgerEntry.objects.all():
        key = entry.transaction_id, entry.currency
        sums[key] = sums.get(key, D(0)) + entry.amount
        kept[entry.ledger_account_id] = kept.get(entry.ledger_account_id, D(0)) + entry.amount
    assert set(sums.values()) <= {D(0)}
    for row in LedgerAccount.objects.all():
        assert row.balance == kept.get(row.pk, D(0))


def a_transaction(account: TradingAccount, source: str) -> str:
    return (
        "INSERT INTO positions_ledgertransaction "
        "(account_id, source_type, source_id, description, occurred_at) "
        f"VALUES ({account.pk}, 'psql', '{source}', 'by hand', now())"
    )


def an_entry(ledger_account: int, amount: str, *, source: str, currency: str = "USDT") -> str:
    return (
        "INSERT INTO positions_ledgerentry "
        "(transaction_id, ledger_account_id, currency, amount) "
        f"SELECT id, {ledger_account}, '{currency}', {amount} FROM positions_ledgertransaction "
        f"WHERE source_id = '{source}'"
    )


def in_one(*statements: str) -> list[str]:
    return ["BEGIN", *statements, "COMMIT"]


def test_psql_can_book_a_transaction_that_balances(
    account: TradingAccount, codes: dict[str, int]
) -> None:
    ended = psql(
        *in_one(
            a_transaction(account, "s"),
            an_entry(codes["CASH"], "0.0000000001", source="s"),
            an_entry(codes["CAPITAL"], "-0.0000000001", source="s"),
        )
    )
    assert ended.returncode == 0, ended.stderr
    assert LedgerAccount.objects.get(pk=codes["CASH"]).balance == D("0.0000000001")


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([], "has 0 entries; double entry needs two or more"),
        ([("CASH", "5", "USDT")], "has 1 entries; double entry needs two or more"),
        (
            [("CASH", "5", "USDT"), ("CAPITAL", "-4.9999999999", "USDT")],
            "does not balance: USDT 0.0000000001",
        ),
        (
            [("CASH", "5", "USDT"), ("CAPITAL", "-5", "USDT"), ("RUPEES", "1", "INR")],
            "does not balance: INR 1.0000000000",
        ),
        ([("CASH", "5", "USDT"), ("RUPEES", "-5", "INR")], "does not balance"),
    ],
)
def test_psql_is_refused_at_commit_what_does_not_sum_to_zero_in_each_currency(
    account: TradingAccount,
    codes: dict[str, int],
    entries: list[tuple[str, str, str]],
    complaint: str,
) -> None:
    ended = psql(
        *in_one(
            a_transaction(account, "s"),
            *(
                an_entry(codes[code], amount, source="s", currency=currency)
                for code, amount, currency in entries
            ),
        )
    )
    assert ended.returncode != 0
    assert complaint in ended.stderr
    assert LedgerTransaction.objects.exists() is False
    assert LedgerEntry.objects.exists() is False


@pytest.mark.parametrize(
    ("code", "currency", "amount", "complaint"),
    [
        ("STRANGER", "USDT", "5", "differs from its ledger account in currency or account"),
        ("RUPEES", "USDT", "5", "differs from its ledger account in currency or account"),
        ("CASH", "USDT", "0", "ledger_entry_not_zero"),
    ],
)
def test_psql_is_refused_an_entry_that_is_in_the_wrong_account_or_says_nothing(
    account: TradingAccount,
    codes: dict[str, int],
    code: str,
    currency: str,
    amount: str,
    complaint: str,
) -> None:
    ended = psql(
        *in_one(
            a_transaction(account, "s"),
            an_entry(codes[code], amount, source="s", currency=currency),
        )
    )
    assert ended.returncode != 0
    assert complaint in ended.stderr


def test_entry_added_later_cannot_unbalance_a_booked_transaction(
    booked: LedgerTransaction, codes: dict[str, int]
) -> None:
    late = an_entry(codes["CASH"], "1", source=booked.source_id)
    assert f"transaction {booked.pk} does not balance: USDT 1" in psql(late).stderr
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        LedgerEntryFactory(transaction=booked, amount=D("0.0000000001"))
    assert booked.entries.count() == 2


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE positions_ledgeraccount SET balance = balance + 1",
        "UPDATE positions_ledgeraccount SET currency = 'INR'",
        "UPDATE positions_ledgeraccount SET code = 'HOLDINGS'",
    ],
)
def test_psql_cannot_set_a_balance_past_the_entries(booked: LedgerTransaction, attack: str) -> None:
    before = list(LedgerAccount.objects.order_by("pk").values())
    assert "is changed by its entries only; book an entry" in psql(attack).stderr
    assert list(LedgerAccount.objects.order_by("pk").values()) == before


def test_ledger_account_starts_at_zero(account: TradingAccount) -> None:
    with pytest.raises(IntegrityError, match="starts at zero, not at 5"), transaction.atomic():
        LedgerAccount.objects.create(account=account, code="HOLDINGS", currency="USDT", balance=5)


def test_source_is_booked_once(account: TradingAccount, booked: LedgerTransaction) -> None:
    again = (
        "INSERT INTO positions_ledgertransaction "
        "(account_id, source_type, source_id, description, occurred_at) "
        f"VALUES ({account.pk}, '{booked.source_type}', '{booked.source_id}', 'again', now())"
    )
    assert 'unique constraint "ledger_once_per_source"' in psql(again).stderr
    assert LedgerTransaction.objects.count() == 1
