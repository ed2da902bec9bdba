"""Pages of the live chain."""
