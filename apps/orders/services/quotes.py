"""Writes down what the market showed at the moments of an order, for measuring its execution."""

from apps.marketdata.selectors import quote_latest
from apps.orders.models import Fill, Order, OrderQuote


def order_quote_record(*, order: Order, moment: str, fill: Fill | None = None) -> OrderQuote | None:
    """Keep the newest quote of the order's instrument beside this moment, once.

    Args:
        moment: Value of ``OrderQuote.Moment``.
        fill: The execution, at the moment FILL.

    Returns:
        The first recording when asked again; None where the market has shown nothing.
    """
    known: OrderQuote | None = OrderQuote.objects.filter(
        order=order, moment=moment, fill=fill
    ).first()
    quote = quote_latest(instrument=order.instrument)
    if known is not None or quote is None:
        return known
    recorded: OrderQuote = OrderQuote.objects.create(
        order=order,
        fill=fill,
        moment=moment,
        bid=quote.bid,
        ask=quote.ask,
        last=quote.last,
        source=quote.source,
        quoted_at=quote.quoted_at,
    )
    return recorded
