"""Writes of market data: instruments, candles, imports of files and feeds."""

from apps.marketdata.services.candles import StoredCount, candles_store
from apps.marketdata.services.feeds import feed_advance, feed_create, feed_start, feed_stop
from apps.marketdata.services.imports import candles_import
from apps.marketdata.services.instruments import instrument_ensure
from apps.marketdata.services.quotes import bar_quote_record, quote_record

__all__ = [
    "StoredCount",
    "bar_quote_record",
    "candles_import",
    "candles_store",
    "feed_advance",
    "feed_create",
    "feed_start",
    "feed_stop",
    "instrument_ensure",
    "quote_record",
]
