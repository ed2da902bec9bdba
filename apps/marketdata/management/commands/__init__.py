"""Commands of market data."""
