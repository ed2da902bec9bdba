"""The API's view of positions, the ledger and equity."""
