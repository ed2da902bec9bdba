"""Reads what an account holds at Bybit: positions, coins, and the movements of its cash."""

from datetime import datetime
from decimal import Decimal

from apps.brokers.bybit.endpoints import Ask
from apps.brokers.bybit.listing import POSITIONS_PAGE, pages_read, windows
from apps.brokers.bybit.reach import Reach
from apps.brokers.bybit.rows import (
    CoinRow,
    TransactionRow,
    position_row,
    transaction_row,
    wallet_rows,
)
from apps.brokers.bybit.session import BybitSession
from apps.brokers.bybit.wire import milliseconds_of
from apps.orders.domain.types import (
    BalanceReport,
    CashMovement,
    CashMovementKind,
    PositionReport,
)

_TRANSACTIONS_PAGE = 50


def positions_read(session: BybitSession, reach: Reach) -> list[PositionReport]:
    """Return every position that is not flat; in hedge mode the long and the short side apart.

    A coin that the desk trades on the spot is a position, whose entry price Bybit does not keep.

    Raises:
        BrokerError: A list could not be read; there is no half answer.
    """
    held: list[PositionReport] = []
    for coin in reach.settle_coins:
        found = pages_read(
            session,
            Ask.POSITIONS,
            lambda row: position_row(row, "linear"),
            category="linear",
            settleCoin=coin,
            limit=POSITIONS_PAGE,
        )
        held += [report for _, report in found if report is not None]
    if reach.spot:
        held += [
            PositionReport(
                symbol=reach.spot[row.coin].symbol,
                quantity=row.cash,
                average_entry_price=Decimal(0),
            )
            for row in wallet_read(session)
            if row.coin in reach.spot and row.cash
        ]
    return held


def balances_read(session: BybitSession, reach: Reach) -> list[BalanceReport]:
    """Return the cash of every coin that is no position, unrealised results left out.

    Raises:
        BrokerError: The wallet could not be read.
    """
    return [
        BalanceReport(currency=row.coin, cash=row.cash)
        for row in wallet_read(session)
        if row.coin not in reach.spot and row.cash
    ]


def wallet_read(session: BybitSession) -> list[CoinRow]:
    """Return every coin of the unified wallet.

    Raises:
        BrokerError: It could not be read.
    """
    return session.ask(Ask.WALLET, wallet_rows, accountType="UNIFIED")


def transactions_read(
    session: BybitSession, *, since: datetime, until: datetime, kind: str = ""
) -> list[TransactionRow]:
    """Return the movements of cash between two moments, oldest first, each once.

    Args:
        kind: The venue's word, such as ``SETTLEMENT`` for funding; "" for all.

    Raises:
        BrokerError: A page could not be read; there is no half list.
    """
    by_id: dict[tuple[str, str, datetime], TransactionRow] = {}
    end_ms = milliseconds_of(until)
    for start_ms, window_end_ms in windows(milliseconds_of(since), end_ms):
        for row in pages_read(
            session,
            Ask.TRANSACTIONS,
            transaction_row,
            accountType="UNIFIED",
            startTime=start_ms,
            endTime=min(window_end_ms, end_ms),
            limit=_TRANSACTIONS_PAGE,
            **({"type": kind} if kind else {}),
        ):
            by_id[row.transaction_id, row.currency, row.occurred_at] = row
    return sorted(by_id.values(), key=lambda row: (row.occurred_at, row.transaction_id))


_MOVED_BY = {
    "SETTLEMENT": CashMovementKind.FUNDING,
    "TRANSFER_IN": CashMovementKind.TRANSFER,
    "TRANSFER_OUT": CashMovementKind.TRANSFER,
}
"""The rest comes with executions, or is for a person to look at."""


def cash_movements_read(
    session: BybitSession, *, since: datetime, until: datetime
) -> list[CashMovement]:
    """Return funding and transfers between two moments, oldest first.

    Raises:
        BrokerError: A page could not be read.
    """
    return [
        CashMovement(
            movement_id=f"{row.transaction_id}:{row.currency}",
            kind=_MOVED_BY[row.kind],
            currency=row.currency,
            amount=row.change,
            occurred_at=row.occurred_at,
            text=f"{row.kind} {row.symbol}".strip(),
        )
        for row in transactions_read(session, since=since, until=until)
        if row.kind in _MOVED_BY and row.change
    ]


def funding_read(
    session: BybitSession, *, since: datetime, until: datetime
) -> list[TransactionRow]:
    """Return the funding payments between two moments; positive is received.

    Raises:
        BrokerError: A page could not be read.
    """
    return [
        row
        for row in transactions_read(session, since=since, until=until, kind="SETTLEMENT")
        if row.funding
    ]
