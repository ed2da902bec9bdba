"""The filter by instrument that the lists of other apps share."""

from typing import Any

from apps.core.api.filters import NameFilter
from apps.marketdata.models import Instrument


class InstrumentFilter(NameFilter):
    """Rows of one instrument, by its symbol."""

    def __init__(self, field_name: str = "instrument", **kwargs: Any) -> None:
        """Offer every instrument: they are no secret."""
        super().__init__(
            field_name=field_name,
            noun="instrument",
            to_field_name="symbol",
            queryset=Instrument.objects.all(),
            label="Symbol of an instrument, such as BYBIT:BTCUSDT.P",
            **kwargs,
        )
