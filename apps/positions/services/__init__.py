"""Everything that may change positions and the ledger."""

from apps.positions.services.equity import equity_snapshot_record
from apps.positions.services.fills import fill_book
from apps.positions.services.ledger import (
    LedgerRefused,
    deposit_book,
    transaction_book,
    transaction_reverse,
)

__all__ = [
    "LedgerRefused",
    "deposit_book",
    "equity_snapshot_record",
    "fill_book",
    "transaction_book",
    "transaction_reverse",
]
