"""Writes of market data: instruments, candles, imports of files and feeds."""

from apps.marketdata.services.candles import StoredCount, candles_store
from apps.marketdata.services.instruments import instrument_ensure

__all__ = ["StoredCount", "candles_store", "instrument_ensure"]
