"""What the API shows of instruments and candles."""

from apps.core.api.serializers import NameField, RowSerializer
from apps.marketdata.models import Candle, Instrument


class InstrumentSerializer(RowSerializer[Instrument]):
    """An instrument with the steps and bounds that its orders must keep."""

    class Meta:
        model = Instrument
        fields = (
            "symbol",
            "venue",
            "kind",
            "quote_currency",
            "tick_size",
            "lot_size",
            "minimum_notional",
            "multiplier",
            "calendar",
            "is_tradable",
        )


class CandleSerializer(RowSerializer[Candle]):
    """One finished bar, named by its open time."""

    instrument = NameField("symbol")

    class Meta:
        model = Candle
        fields = ("instrument", "timeframe", "open_at", "open", "high", "low", "close", "volume")
