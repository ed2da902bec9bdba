"""Commands of the live chain."""
