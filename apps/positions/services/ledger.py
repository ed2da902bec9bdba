"""Books balanced transactions, once per source, and reverses them by new ones."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction as database

from apps.accounts.models import TradingAccount, User
from apps.core.clock import now
from apps.core.money import ZERO, plain, stored
from apps.core.services import audit_record
from apps.positions.domain.postings import Posting, postings_for_deposit
from apps.positions.models import LedgerAccount, LedgerEntry, LedgerTransaction


class LedgerRefused(ValueError):
    """A booking was refused; the message says why."""


def transaction_book(
    *,
    account: TradingAccount,
    source_type: str,
    source_id: str,
    description: str,
    occurred_at: datetime,
    postings: Iterable[Posting],
) -> tuple[LedgerTransaction, bool]:
    """Book the postings as one transaction.

    Args:
        postings: Amounts are rounded half to even to the ten places that are stored.

    Returns:
        The transaction, and whether it is new. The same source again returns the first booking.

    Raises:
        LedgerRefused: The postings do not sum to zero in a currency, or are in a currency that
            is not the account's.
    """
    entries = [replace(posting, amount=stored(posting.amount)) for posting in postings]
    _balance_require(entries, account)
    with database.atomic():
        booked, is_new = LedgerTransaction.objects.get_or_create(
            account=account,
            source_type=source_type,
            source_id=source_id,
            defaults={"description": description, "occurred_at": occurred_at},
        )
        if is_new:
            _entries_add(booked, entries)
    return booked, is_new


def _entries_add(booked: LedgerTransaction, entries: list[Posting]) -> None:
    # In the order of the accounts, so that two bookings lock their balances in the same order
    for posting in sorted(entries, key=lambda item: (item.code, item.currency)):
        ledger_account, _ = LedgerAccount.objects.get_or_create(
            account=booked.account, code=posting.code, currency=posting.currency
        )
        LedgerEntry.objects.create(
            transaction=booked,
            ledger_account=ledger_account,
            currency=posting.currency,
            amount=posting.amount,
        )


def deposit_book(
    *,
    account: TradingAccount,
    amount: Decimal,
    currency: str,
    source_id: str,
    occurred_at: datetime,
    description: str,
    actor: User | None = None,
) -> LedgerTransaction:
    """Book money that came in, or went out when negative; once per ``source_id``.

    Raises:
        LedgerRefused: The amount is zero, or not in the account's currency.
    """
    if stored(amount) == 0:
        raise LedgerRefused("a deposit of zero books nothing; give an amount")
    with database.atomic():
        booked, is_new = transaction_book(
            account=account,
            source_type="deposit",
            source_id=source_id,
            description=description,
            occurred_at=occurred_at,
            postings=postings_for_deposit(amount=amount, currency=currency),
        )
        if is_new:
            audit_record(
                action="ledger.deposit_booked",
                subject=booked,
                actor=actor,
                details={"amount": plain(amount), "currency": currency},
            )
    return booked


def transaction_reverse(
    *, transaction: LedgerTransaction, reason: str, actor: User | None
) -> LedgerTransaction:
    """Book the opposite of a transaction; a second call returns the first reversal.

    Raises:
        LedgerRefused: No reason is given.
    """
    if not reason.strip():
        raise LedgerRefused("a reversal needs a reason: say what was wrong with the booking")
    with database.atomic():
        reversal, is_new = transaction_book(
            account=transaction.account,
            source_type="reversal",
            source_id=str(transaction.pk),
            description=f"Reversal of {transaction.description}"[:200],
            occurred_at=now(),
            postings=[
                Posting(entry.ledger_account.code, entry.currency, -entry.amount)
                for entry in transaction.entries.select_related("ledger_account")
            ],
        )
        if is_new:
            audit_record(
                action="ledger.transaction_reversed", subject=reversal, actor=actor, reason=reason
            )
    return reversal


def _balance_require(entries: list[Posting], account: TradingAccount) -> None:
    sums: dict[str, Decimal] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, ZERO) + entry.amount
    if strange := set(sums) - {account.base_currency}:
        raise LedgerRefused(
            f"{account} is kept in {account.base_currency}; this version books no "
            f"{', '.join(sorted(strange))}"
        )
    if unbalanced := {currency: total for currency, total in sums.items() if total}:
        words = ", ".join(f"{plain(total)} {currency}" for currency, total in unbalanced.items())
        raise LedgerRefused(f"the postings do not balance: they are off by {words}")
    if len(entries) < 2:
        raise LedgerRefused("double entry needs two postings or more")
