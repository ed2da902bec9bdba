"""What a venue takes for an execution, and how much of a bar it gives."""

from dataclasses import dataclass
from decimal import Decimal

from apps.marketdata.domain.types import Bar
from apps.orders.domain.fill_rules.prices import BPS, round_down


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTerms:
    """What a venue takes for an execution.

    Attributes:
        fee_bps: Commission in basis points of notional, each side.
        slippage_bps: How much worse than the rule's price an order fills that takes what there
            is: a market order, or one whose stop price was reached.
        volume_cap_ratio: Largest share of a bar's volume that the orders on it take together;
            0 means no cap.
        tick_size, lot_size: Steps of price and quantity.
        multiplier: Quote units per point and unit.
    """

    fee_bps: Decimal
    slippage_bps: Decimal
    volume_cap_ratio: Decimal
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal


def volume_available(*, bar: Bar, terms: FillTerms) -> Decimal | None:
    """Return how many units of a bar our orders may take together; None means any number."""
    if terms.volume_cap_ratio == 0:
        return None
    return round_down(bar.volume * terms.volume_cap_ratio, terms.lot_size)


def commission_for(*, quantity: Decimal, price: Decimal, terms: FillTerms) -> Decimal:
    """Return the commission of an execution in quote currency, positive."""
    return quantity * price * terms.multiplier * terms.fee_bps / BPS
