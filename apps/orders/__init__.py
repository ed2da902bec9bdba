"""Every order from intent to last fill."""
