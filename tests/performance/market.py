"""The bars that figures are quoted for."""

from apps.marketdata.domain.types import Bar
from apps.marketdata.importers import candle_file_read
from tests.marketdata.shared_files import shared_file

SYMBOL = "BYBIT:BTCUSDT.P"


def btc_bars() -> list[Bar]:
    path = shared_file("bybit/BTCUSDT_linear_5m_20250924_20260721.feather")
    return candle_file_read(path=path, timeframe="5m", instrument_calendar="24/7").bars
