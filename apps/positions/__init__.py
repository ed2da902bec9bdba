"""What is held and what it earned: positions and the double-entry ledger."""
