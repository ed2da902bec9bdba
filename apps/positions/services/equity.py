"""Writes down what an account is worth at a moment of market time."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.positions.models import EquitySnapshot
from apps.positions.selectors.equity import AccountBooks, account_books


def equity_snapshot_record(
    *,
    account: TradingAccount,
    as_of: datetime,
    prices: Mapping[int, Decimal],
    books: AccountBooks | None = None,
) -> None:
    """Record the account's worth; at the same moment again, the first recording stands.

    Args:
        as_of: Market time (UTC).
        prices: Last price by instrument id, of everything held.
        books: The account's books as just read; None: they are read.
    """
    known = books or account_books(account=account)
    holdings = known.holdings_worth(prices)
    snapshot = EquitySnapshot(
        account=account,
        as_of=as_of,
        cash=known.cash,
        holdings=holdings,
        equity=known.cash + holdings,
    )
    EquitySnapshot.objects.bulk_create([snapshot], ignore_conflicts=True)
