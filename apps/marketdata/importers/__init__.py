"""Reads files of candles into bars, and says what it found and how it knew; no database."""

from apps.marketdata.importers.options import ReadOptions
from apps.marketdata.importers.reading import candle_file_read
from apps.marketdata.importers.results import QuarantinedRow, ReadResult

__all__ = ["QuarantinedRow", "ReadOptions", "ReadResult", "candle_file_read"]
