"""Values that market data hands to the rest of the desk."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One finished candle.

    Attributes:
        open_at: When it opened (UTC); its name.
        close_at: When it closed and so became usable (UTC).
        open, high, low, close: Prices in the instrument's quote currency.
        volume: Units traded, zero or more.
    """

    open_at: datetime
    close_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
