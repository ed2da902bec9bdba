"""The chain run live, from bar to ledger."""
