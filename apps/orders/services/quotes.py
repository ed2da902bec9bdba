"""Writes down what the market showed at the moments of an order, for measuring its execution."""

from apps.core.rows import row_of
from apps.orders.models import Fill, Order

# One statement: it stands three times on the way of every order
_KEEP = """
INSERT INTO orders_orderquote (order_id, fill_id, moment, bid, ask, last, source, quoted_at)
SELECT %(order)s, %(fill)s, %(moment)s, bid, ask, last, source, quoted_at
FROM marketdata_quote WHERE instrument_id = %(instrument)s
ON CONFLICT DO NOTHING
RETURNING id
"""


def order_quote_record(*, order: Order, moment: str, fill: Fill | None = None) -> bool:
    """Keep the newest quote of the order's instrument beside this moment, once.

    Args:
        moment: Value of ``OrderQuote.Moment``.
        fill: The execution, at the moment FILL.

    Returns:
        Whether it was kept. False: it was before, or the market has shown nothing.
    """
    values = {
        "order": order.pk,
        "fill": fill.pk if fill else None,
        "moment": moment,
        "instrument": order.instrument_id,
    }
    return row_of(_KEEP, values) is not None
