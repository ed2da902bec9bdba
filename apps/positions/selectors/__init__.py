"""Reads of positions, cash and equity, and the check that the books hold."""

from apps.positions.selectors.books import ledger_unbalanced
from apps.positions.selectors.equity import (
    AccountBooks,
    EquityMarks,
    account_books,
    account_books_priced,
    account_equity,
    cash_balance,
    equity_marks,
    holdings_value,
)
from apps.positions.selectors.positions import position_quantity, position_quantity_account
from apps.positions.selectors.trades import deployment_edge

__all__ = [
    "AccountBooks",
    "EquityMarks",
    "account_books",
    "account_books_priced",
    "account_equity",
    "cash_balance",
    "deployment_edge",
    "equity_marks",
    "holdings_value",
    "ledger_unbalanced",
    "position_quantity",
    "position_quantity_account",
]
