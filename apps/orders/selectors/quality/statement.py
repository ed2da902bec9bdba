"""The statements that measure any number of orders where they are stored.

They say in SQL what ``orders.domain.quality`` says in Python; a test compares the two order by
order. PostgreSQL passes over the parts of ``_MEASURED`` that a statement does not read.
"""

from typing import Any

from apps.marketdata.domain.timeframes import Timeframe
from apps.orders.domain.states import FINAL
from apps.orders.selectors.quality.orders import (
    ACCEPTED_KINDS,
    CONDITIONAL_TYPES,
    EXIT_ROLES,
    FILLED_KINDS,
)
from apps.orders.selectors.quality.window import Grouping, QualityWindow

_MEASURED = """
WITH chosen AS MATERIALIZED (
    SELECT o.id, CASE o.side WHEN 'BUY' THEN 1 ELSE -1 END AS sign, o.quantity, o.decided_at,
        o.sent_at IS NOT NULL AS is_sent, o.status = 'REJECTED' AS is_rejected,
        o.status = ANY(%(final_statuses)s) AS is_ended,
        o.order_type = ANY(%(conditional_types)s)
            OR o.role = ANY(%(exit_roles)s) AS is_conditional,
        COALESCE(o.stop_price, o.limit_price) AS trigger_price,
        o.instrument_id, i.multiplier, i.quote_currency AS currency,
        CASE WHEN a.broker <> 'PAPER' THEN s.as_of END AS bar_closed_at,
        to_char(o.decided_at AT TIME ZONE 'UTC', 'HH24') AS hour,
        CASE %(by)s WHEN 'strategy' THEN v.name WHEN 'instrument' THEN i.symbol
            WHEN 'broker' THEN a.broker ELSE to_char(o.decided_at AT TIME ZONE 'UTC', 'HH24')
        END AS key
    FROM orders_order AS o
    JOIN accounts_tradingaccount AS a ON a.id = o.account_id
    JOIN marketdata_instrument AS i ON i.id = o.instrument_id
    LEFT JOIN strategies_deployment AS d ON d.id = o.deployment_id
    LEFT JOIN strategies_strategyversion AS v ON v.id = d.version_id
    LEFT JOIN strategies_signal AS s ON s.id = o.signal_id
    WHERE o.account_id = ANY(%(account_ids)s)
        AND o.decided_at >= %(since)s AND o.decided_at < %(until)s
        AND (o.sent_at IS NOT NULL OR (o.parent_id IS NOT NULL AND o.filled_quantity > 0))
        AND (%(strategy)s::text IS NULL OR v.name = %(strategy)s)
        AND (%(instrument_id)s::bigint IS NULL OR o.instrument_id = %(instrument_id)s)
        AND (%(broker)s::text IS NULL OR a.broker = %(broker)s)
),
shown AS (
    SELECT q.order_id, max(q.mid) FILTER (WHERE q.moment = 'DECISION') AS at_decision,
        max(q.mid) FILTER (WHERE q.moment = 'SUBMIT') AS at_submit,
        max(q.mid) FILTER (WHERE q.moment = 'END') AS at_end
    FROM orders_orderquote AS q JOIN chosen AS c ON c.id = q.order_id
    WHERE q.moment <> 'FILL'
    GROUP BY q.order_id
),
filled AS (
    SELECT f.order_id, sum(f.quantity) AS quantity, sum(f.quantity * f.price) AS paid,
        sum(f.commission) AS commission, max(f.executed_at) AS latest_at,
        bool_or(f.commission <> 0 AND f.commission_currency <> c.currency) AS is_foreign,
        sum(f.quantity * (f.price - q.mid)) AS seen_distance, sum(f.quantity * q.mid) AS seen
    FROM orders_fill AS f JOIN chosen AS c ON c.id = f.order_id
    LEFT JOIN orders_orderquote AS q ON q.fill_id = f.id
    GROUP BY f.order_id
),
steps AS (
    SELECT e.order_id,
        min(e.recorded_at) FILTER (WHERE e.kind = 'order.intended') AS intended_at,
        min(e.recorded_at) FILTER (WHERE e.kind = 'order.claimed') AS claimed_at,
        min(e.recorded_at) FILTER (WHERE e.kind = ANY(%(accepted_kinds)s)) AS accepted_at,
        min(e.recorded_at) FILTER (WHERE e.kind = ANY(%(filled_kinds)s)) AS filled_at
    FROM orders_orderevent AS e JOIN chosen AS c ON c.id = e.order_id
    WHERE c.is_sent
    GROUP BY e.order_id
),
-- The shortest bars that an instrument has in the window serve all of its orders
lengths (timeframe, length) AS (
    SELECT t.timeframe, make_interval(secs => t.seconds)
    FROM unnest(%(timeframes)s::text[], %(seconds)s::int[]) AS t (timeframe, seconds)
),
finest AS (
    SELECT DISTINCT ON (t.instrument_id) t.instrument_id, l.timeframe, l.length
    FROM (SELECT DISTINCT instrument_id FROM chosen) AS t CROSS JOIN lengths AS l
    WHERE EXISTS (
        SELECT FROM marketdata_candle AS b
        WHERE b.instrument_id = t.instrument_id AND b.timeframe = l.timeframe
            AND b.open_at > %(since)s - l.length AND b.open_at < %(until)s
    )
    ORDER BY t.instrument_id, l.length
),
market AS (
    SELECT c.id AS order_id, b.turnover / NULLIF(b.units, 0) AS vwap
    FROM chosen AS c JOIN filled AS f ON f.order_id = c.id
    JOIN finest AS t ON t.instrument_id = c.instrument_id
    CROSS JOIN LATERAL (
        SELECT sum((b.high + b.low + b.close) / 3 * b.volume) AS turnover, sum(b.volume) AS units
        FROM marketdata_candle AS b
        WHERE b.instrument_id = t.instrument_id AND b.timeframe = t.timeframe
            AND b.open_at > c.decided_at - t.length AND b.open_at <= f.latest_at
    ) AS b
    WHERE NOT c.is_conditional
),
priced AS (
    SELECT c.*, f.quantity AS filled, f.paid, f.seen_distance, f.seen,
        COALESCE(f.quantity, 0) > 0 AS has_filled,
        CASE WHEN NOT f.is_foreign OR f.order_id IS NULL THEN COALESCE(f.commission, 0) END
            AS commission,
        NULLIF(CASE WHEN c.is_conditional THEN c.trigger_price ELSE q.at_decision END, 0)
            AS arrival,
        CASE WHEN NOT c.is_conditional THEN q.at_submit END AS at_submit, q.at_end
    FROM chosen AS c
    LEFT JOIN shown AS q ON q.order_id = c.id LEFT JOIN filled AS f ON f.order_id = c.id
),
costs AS (
    SELECT p.*, sign * (paid - arrival * filled) * multiplier AS arrival_cost,
        arrival * filled * multiplier AS arrival_notional,
        CASE
            WHEN is_conditional AND NOT has_filled THEN NULL
            WHEN COALESCE(filled, 0) = quantity THEN 0
            ELSE at_end - arrival
        END AS missed
    FROM priced AS p
),
latency AS (
    SELECT s.order_id, EXTRACT(EPOCH FROM claimed_at - bar_closed_at) * 1000 AS bar_close_to_wire,
        EXTRACT(EPOCH FROM claimed_at - intended_at) * 1000 AS decision_to_wire,
        EXTRACT(EPOCH FROM accepted_at - claimed_at) * 1000 AS wire_to_ack,
        CASE WHEN NOT is_conditional THEN EXTRACT(EPOCH FROM filled_at - accepted_at) * 1000 END
            AS ack_to_fill
    FROM steps AS s JOIN chosen AS c ON c.id = s.order_id
),
measured AS (
    SELECT p.*, l.bar_close_to_wire, l.decision_to_wire, l.wire_to_ack, l.ack_to_fill,
        sign * (COALESCE(paid, 0) - arrival * COALESCE(filled, 0)
            + (quantity - COALESCE(filled, 0)) * missed) * multiplier + commission AS shortfall,
        sign * (paid - at_submit * filled) * multiplier AS submit_cost,
        at_submit * filled * multiplier AS submit_notional,
        sign * (paid - vwap * filled) * multiplier AS vwap_cost,
        vwap * filled * multiplier AS vwap_notional,
        is_ended AND NOT is_conditional AND arrival IS NOT NULL AS has_fill_ratio,
        arrival * quantity * multiplier AS decided_notional
    FROM costs AS p
    LEFT JOIN latency AS l ON l.order_id = p.id LEFT JOIN market AS m ON m.order_id = p.id
)
"""

_FIGURES = """
SELECT GROUPING(key) = 0 AS is_of_key, GROUPING(hour) = 0 AS is_of_hour, key, hour, currency,
    count(*) AS orders, count(*) FILTER (WHERE is_sent) AS sent_orders,
    count(*) FILTER (WHERE is_rejected) AS rejected_orders,
    count(*) FILTER (WHERE has_filled) AS filled_orders,
    COALESCE(sum(paid * multiplier), 0) AS filled_notional,
    10000 * sum(arrival_cost) / NULLIF(sum(arrival_notional), 0) AS arrival_slippage_bps,
    count(arrival_cost) AS arrival_orders,
    10000 * sum(submit_cost) / NULLIF(sum(submit_notional), 0) AS submit_slippage_bps,
    20000 * sum(sign * seen_distance * multiplier) / NULLIF(sum(seen * multiplier), 0)
        AS effective_spread_bps,
    count(seen) AS spread_orders,
    10000 * sum(vwap_cost) / NULLIF(sum(vwap_notional), 0) AS vwap_slippage_bps,
    count(vwap_cost) AS vwap_orders,
    sum(shortfall) AS shortfall, count(shortfall) AS shortfall_orders,
    10000 * sum(shortfall)
        / NULLIF(sum(decided_notional) FILTER (WHERE shortfall IS NOT NULL), 0) AS shortfall_bps,
    sum(COALESCE(arrival_notional, 0)) FILTER (WHERE has_fill_ratio)
        / NULLIF(sum(decided_notional) FILTER (WHERE has_fill_ratio), 0) AS fill_ratio,
    count(*) FILTER (WHERE is_rejected)::numeric / NULLIF(count(*) FILTER (WHERE is_sent), 0)
        AS reject_ratio,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY bar_close_to_wire::float8)
        AS bar_close_to_wire,
    count(bar_close_to_wire) AS bar_close_to_wire_orders,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY decision_to_wire::float8)
        AS decision_to_wire,
    count(decision_to_wire) AS decision_to_wire_orders,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY wire_to_ack::float8)
        AS wire_to_ack,
    count(wire_to_ack) AS wire_to_ack_orders,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ack_to_fill::float8)
        AS ack_to_fill,
    count(ack_to_fill) AS ack_to_fill_orders,
    percentile_disc(ARRAY[0.01, 0.99]) WITHIN GROUP (
        ORDER BY 10000 * arrival_cost / arrival_notional) AS arrival_range_bps
FROM measured
GROUP BY GROUPING SETS ((currency), (currency, key), (currency, hour))
ORDER BY currency, key, hour
"""

_BINS = """
SELECT width_bucket(10000 * arrival_cost / arrival_notional, %(edges)s::numeric[]) AS number,
    count(*) AS orders
FROM costs WHERE arrival_cost IS NOT NULL
GROUP BY number ORDER BY number
"""

FIGURES_STATEMENT = "".join((_MEASURED, _FIGURES))
"""Gives totals, groups and hours, each by currency."""

HISTOGRAM_STATEMENT = "".join((_MEASURED, _BINS))
"""Counts orders by arrival slippage between the edges of the parameter ``edges``."""


def statement_values(window: QualityWindow, by: Grouping) -> dict[str, Any]:
    """Return the parameters that both statements take."""
    return {
        "account_ids": list(window.account_ids),
        "since": window.since,
        "until": window.until,
        "strategy": window.strategy,
        "instrument_id": window.instrument_id,
        "broker": window.broker,
        "by": by.value,
        "final_statuses": sorted(FINAL),
        "conditional_types": list(CONDITIONAL_TYPES),
        "exit_roles": list(EXIT_ROLES),
        "accepted_kinds": [*ACCEPTED_KINDS, *FILLED_KINDS],
        "filled_kinds": list(FILLED_KINDS),
        "timeframes": list(Timeframe),
        "seconds": [timeframe.seconds for timeframe in Timeframe],
    }
