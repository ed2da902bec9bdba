"""Market data in plain Python: timeframes, bars, quality rules; no Django."""
