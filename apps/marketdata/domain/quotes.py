"""What a market shows at one moment, and what stands for it where only bars are known."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """Prices at one moment, quote currency; bid and ask are None where only a last is known."""

    last: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None

    @property
    def mid(self) -> Decimal:
        """Half way between bid and ask; the last price where one of them is not known."""
        if self.bid is None or self.ask is None:
            return self.last
        return (self.bid + self.ask) / 2


def quote_around(price: Decimal, *, tick_size: Decimal) -> QuoteView:
    """Return a quote of a market of which only a price is known: a tick below and a tick above."""
    return QuoteView(last=price, bid=max(price - tick_size, tick_size), ask=price + tick_size)
