"""Instruments, candles and the feeds that bring them."""
