"""Books cash that moves at a broker without a trade: what was there first, funding, transfers."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction

from apps.accounts.models import TradingAccount, User
from apps.core.clock import wall_now
from apps.orders.domain.ports import BrokerGateway, CashTelling
from apps.orders.domain.types import CashMovement, CashMovementKind
from apps.positions.domain.postings import postings_for_deposit, postings_for_funding
from apps.positions.models import LedgerTransaction
from apps.positions.services import LedgerRefused, deposit_book, transaction_book

OPENING = "opening"
MOVEMENT = "broker.cash"
OVERLAP = timedelta(hours=1)
"""How far back movements are read again: one may show up late."""


def opening_cash_book(*, account: TradingAccount, gateway: BrokerGateway, by: User) -> Decimal:
    """Book what the broker says is there as the account's first cash, once.

    Args:
        by: Who takes the account into the desk.

    Returns:
        The amount, in the account's currency.

    Raises:
        LedgerRefused: Something is booked already, positions or orders are open, or nothing is
            there.
        BrokerError: The broker could not be read.
    """
    if LedgerTransaction.objects.filter(account=account).exists():
        raise LedgerRefused(f"{account} has bookings already; its first cash is booked once")
    if gateway.position_list() or gateway.order_list_open():
        raise LedgerRefused(
            f"{account} has positions or orders at its broker; close them first, so that the desk "
            "knows what everything cost"
        )
    at = wall_now()
    cash = {row.currency: row.cash for row in gateway.balance_list()}
    deposit_book(
        account=account,
        amount=cash.get(account.base_currency, Decimal(0)),
        currency=account.base_currency,
        source_id=OPENING,
        occurred_at=at,
        description="Cash at the broker when the account was taken into the desk",
        actor=by,
    )
    return cash[account.base_currency]


def cash_intake(*, account: TradingAccount, gateway: BrokerGateway) -> int:
    """Book what has moved by itself since the account's first cash, each movement once.

    Returns:
        How many movements were new; 0 where the broker tells none, or no cash was ever booked.

    Raises:
        BrokerError: The broker could not be read; nothing is booked.
    """
    booked = LedgerTransaction.objects.filter(account=account)
    first = booked.filter(source_type="deposit").order_by("occurred_at").first()
    if first is None or not isinstance(gateway, CashTelling):
        return 0
    latest = booked.filter(source_type=MOVEMENT).order_by("-occurred_at").first()
    since = max(first.occurred_at, latest.occurred_at - OVERLAP) if latest else first.occurred_at
    movements = [
        movement
        for movement in gateway.cash_movement_list(since)
        if movement.currency == account.base_currency and movement.occurred_at > first.occurred_at
    ]
    with transaction.atomic():
        return sum(_movement_book(account, movement) for movement in movements)


def _movement_book(account: TradingAccount, movement: CashMovement) -> bool:
    is_funding = movement.kind is CashMovementKind.FUNDING
    postings = postings_for_funding if is_funding else postings_for_deposit
    _, is_new = transaction_book(
        account=account,
        source_type=MOVEMENT,
        source_id=movement.movement_id,
        description=movement.text or movement.kind.value,
        occurred_at=movement.occurred_at,
        postings=postings(amount=movement.amount, currency=movement.currency),
    )
    return is_new
