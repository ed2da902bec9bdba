"""Reads files of candles into bars, and says what it found and how it knew; no database."""

from apps.marketdata.importers.options import ReadOptions
from apps.marketdata.importers.reading import candle_arrays_read, candle_file_read
from apps.marketdata.importers.results import CandleArrays, QuarantinedRow, ReadResult

__all__ = [
    "CandleArrays",
    "QuarantinedRow",
    "ReadOptions",
    "ReadResult",
    "candle_arrays_read",
    "candle_file_read",
]
