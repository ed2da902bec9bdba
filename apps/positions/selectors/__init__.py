"""Reads of positions, cash and equity, and the check that the books hold."""

from apps.positions.selectors.books import ledger_unbalanced
from apps.positions.selectors.equity import (
    account_equity,
    cash_balance,
    equity_at_day_start,
    equity_peak,
    holdings_value,
)
from apps.positions.selectors.positions import (
    PricedPosition,
    position_list_priced,
    position_quantity,
    position_quantity_account,
)
from apps.positions.selectors.trades import deployment_edge

__all__ = [
    "PricedPosition",
    "account_equity",
    "cash_balance",
    "deployment_edge",
    "equity_at_day_start",
    "equity_peak",
    "holdings_value",
    "ledger_unbalanced",
    "position_list_priced",
    "position_quantity",
    "position_quantity_account",
]
