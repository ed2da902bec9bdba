"""Keeps the newest prices of each instrument."""

from datetime import datetime
from decimal import Decimal

from django.db import connection

from apps.core.clock import wall_now
from apps.marketdata.domain.errors import MarketDataRefused
from apps.marketdata.domain.quotes import QuoteView, quote_around
from apps.marketdata.models import Instrument, Quote

_UPSERT = """
INSERT INTO marketdata_quote (instrument_id, bid, ask, last, source, quoted_at, received_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (instrument_id) DO UPDATE
SET bid = EXCLUDED.bid, ask = EXCLUDED.ask, last = EXCLUDED.last, source = EXCLUDED.source,
    quoted_at = EXCLUDED.quoted_at, received_at = EXCLUDED.received_at
WHERE marketdata_quote.quoted_at <= EXCLUDED.quoted_at
"""


def quote_record(
    *, instrument: Instrument, quote: QuoteView, source: str, quoted_at: datetime
) -> bool:
    """Keep a quote unless a newer one is known.

    Args:
        source: Value of ``Quote.Source``.
        quoted_at: Venue or market time (aware).

    Returns:
        Whether it was kept.

    Raises:
        MarketDataRefused: A price is not positive and finite, or bid lies above ask.
    """
    prices = [price for price in (quote.bid, quote.ask, quote.last) if price is not None]
    if any(not price.is_finite() or price <= 0 for price in prices):
        raise MarketDataRefused(f"a quote of {instrument} has a price that is none: {quote}")
    if quote.bid is not None and quote.ask is not None and quote.bid > quote.ask:
        raise MarketDataRefused(f"a quote of {instrument} has its bid above its ask: {quote}")
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT,
            [
                *(instrument.pk, quote.bid, quote.ask, quote.last),
                *(source, quoted_at, wall_now()),
            ],
        )
        return bool(cursor.rowcount)


def bar_quote_record(*, instrument: Instrument, price: Decimal, at: datetime) -> bool:
    """Let a bar's price stand for the quote of a simulated market, unless a newer one is known.

    Args:
        price: Open or close of the bar, quote currency.
        at: Market time of that price (aware).

    Returns:
        Whether it was kept.
    """
    return quote_record(
        instrument=instrument,
        quote=quote_around(price, tick_size=instrument.tick_size),
        source=Quote.Source.BAR,
        quoted_at=at,
    )
