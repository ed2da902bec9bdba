"""Writes down what an account is worth at a moment of market time."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from apps.accounts.models import TradingAccount
from apps.positions.models import EquitySnapshot
from apps.positions.selectors import cash_balance, holdings_value


def equity_snapshot_record(
    *, account: TradingAccount, as_of: datetime, prices: Mapping[int, Decimal]
) -> None:
    """Record the account's worth; at the same moment again, the first recording stands.

    Args:
        as_of: Market time (UTC).
        prices: Last price by instrument id, of everything held.
    """
    cash = cash_balance(account=account, currency=account.base_currency)
    holdings = holdings_value(account=account, prices=prices)
    snapshot = EquitySnapshot(
        account=account, as_of=as_of, cash=cash, holdings=holdings, equity=cash + holdings
    )
    EquitySnapshot.objects.bulk_create([snapshot], ignore_conflicts=True)
