"""Price collars: how far from the market an order may pay, and limits that act like markets."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from apps.core.money import plain
from apps.marketdata.domain.quotes import QuoteView
from apps.orders.domain.fill_rules import round_to
from apps.orders.domain.types import Side

_BPS = Decimal(10_000)


def marketable_limit(
    *, side: Side, quote: QuoteView, collar_bps: Decimal, tick_size: Decimal
) -> Decimal:
    """Return the limit price that fills like a market order, but no worse than the collar.

    It starts from the side that it takes (ask for a buy, bid for a sell), or from the last price
    where that is not known, and is rounded to the tick on the safe side of the collar.

    Args:
        collar_bps: How much worse than that price it may fill, in basis points; zero or more.
    """
    touch = quote.ask if side is Side.BUY else quote.bid
    start = quote.last if touch is None else touch
    worst = start * (1 + side.sign * collar_bps / _BPS)
    if side is Side.BUY:
        return max(round_to(worst, tick_size, ROUND_FLOOR), tick_size)
    return max(round_to(worst, tick_size, ROUND_CEILING), tick_size)


def collar_objection(
    *, side: Side, price: Decimal, quote: QuoteView, collar_bps: Decimal
) -> str | None:
    """Say why a price lies outside the collar, or None.

    Only the harmful side counts: a buy above, a sell below. It is measured from the mid and from
    the last price, and the farther one decides, so that neither a wide spread nor a stray trade
    opens the collar.

    Source: NSE best practices on unrealistic prices; RTS 6 article 15(1)(a), price collars.
    """
    for name, reference in (("last price", quote.last), ("mid", quote.mid)):
        distance = side.sign * (price - reference) / reference * _BPS
        if distance > collar_bps:
            return (
                f"{side} at {plain(price)} is {distance:.0f} bps worse than the {name} "
                f"{plain(reference)}; the collar allows {plain(collar_bps)} bps"
            )
    return None


def slippage_limit(
    *, side: Side, reference_price: Decimal, maximum_slippage_bps: Decimal, tick_size: Decimal
) -> Decimal:
    """Return the worst price that an order with a maximum slippage may pay, on the tick.

    Args:
        reference_price: What the decision was taken on, quote currency.
    """
    quote = QuoteView(last=reference_price)
    return marketable_limit(
        side=side, quote=quote, collar_bps=maximum_slippage_bps, tick_size=tick_size
    )
