"""How long the figures of 100,000 orders take, from half a million facts.

Times are printed and never asserted: machines differ, and this one may be busy.
"""

import time

import pytest
from django.db import connection

from apps.orders.selectors.quality import (
    Grouping,
    execution_quality_table,
    quality_window,
    slippage_histogram,
)
from tests.factories.accounts import UserFactory
from tests.orders.executed import executed

ORDERS = 100_000
# Every order is a copy of the first, half a minute later, with an own price
_COPIES = """
INSERT INTO orders_order (account_id, instrument_id, role, client_order_id, side, order_type,
    quantity, filled_quantity, average_fill_price, status, decided_at, sent_at, closed_at,
    created_at, updated_at, venue_order_id, leg, origin, time_in_force, reduce_only, post_only,
    status_reason)
SELECT account_id, instrument_id, role, 'copy-' || n, side, order_type,
    quantity, filled_quantity, average_fill_price, status, decided_at + n * interval '25 s',
    sent_at + n * interval '25 s', closed_at + n * interval '25 s',
    created_at, updated_at, '', '', origin, time_in_force, FALSE, FALSE, ''
FROM orders_order, generate_series(1, %s) AS n;
INSERT INTO orders_fill (order_id, trade_id, side, quantity, price, commission,
    commission_currency, executed_at)
SELECT id, client_order_id, side, quantity, 100 + id %% 7, 1, 'USDT', decided_at
FROM orders_order WHERE client_order_id LIKE 'copy-%%';
INSERT INTO orders_orderquote (order_id, fill_id, moment, bid, ask, last, source, quoted_at)
SELECT o.id, NULL, m, 99, 101, 100, 'BAR', decided_at
FROM orders_order AS o, unnest(ARRAY['DECISION', 'SUBMIT']) AS m
WHERE client_order_id LIKE 'copy-%%';
INSERT INTO orders_orderquote (order_id, fill_id, moment, bid, ask, last, source, quoted_at)
SELECT order_id, id, 'FILL', 99, 101, 100, 'BAR', executed_at
FROM orders_fill WHERE trade_id LIKE 'copy-%%';
INSERT INTO orders_orderevent (order_id, sequence, kind, status_before, status_after,
    occurred_at, details, recorded_at)
SELECT o.id, s.number, s.kind, '', 'NEW', decided_at, '{}', decided_at + s.number * interval '1 ms'
FROM orders_order AS o, unnest(
    ARRAY['order.intended', 'order.claimed', 'order.acknowledged', 'order.accepted', 'order.filled']
) WITH ORDINALITY AS s (kind, number)
WHERE client_order_id LIKE 'copy-%%';
INSERT INTO marketdata_candle (instrument_id, timeframe, open_at, open, high, low, close, volume)
SELECT instrument_id, '5m', date_trunc('hour', decided_at) + n * interval '5 m', 1, 2, 1, 1, 9
FROM (SELECT * FROM orders_order ORDER BY id LIMIT 1) AS o, generate_series(0, 9000) AS n;
"""


@pytest.mark.django_db
def test_figures_of_100_000_orders() -> None:
    executed()
    with connection.cursor() as cursor:
        cursor.execute(_COPIES, [ORDERS - 1])
        cursor.execute("ANALYZE orders_order, orders_fill, orders_orderquote, orders_orderevent")
        cursor.execute("ANALYZE marketdata_candle")
    window = quality_window(UserFactory(is_superuser=True))
    started = time.perf_counter()
    table = execution_quality_table(window=window, by=Grouping.HOUR)
    measured = time.perf_counter()
    bins = slippage_histogram(window=window, table=table)
    counted = time.perf_counter()
    [total] = table.totals
    print(
        f"\n{total.orders} orders, {total.vwap_orders} against VWAP: figures by hour "
        f"{measured - started:.2f} s, histogram {counted - measured:.2f} s"
    )
    assert total.orders == sum(each.orders for each in bins) == ORDERS
