"""Commands that deploy strategies."""
