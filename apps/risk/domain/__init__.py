"""Risk in plain Python: checks and sizing as pure functions over a frozen snapshot; no Django."""
