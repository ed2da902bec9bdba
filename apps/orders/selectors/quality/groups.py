"""Measures many orders by what they have in common; the database adds up, rows stay there."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import connection

from apps.core.money import stored
from apps.orders.domain.quality import bin_edges
from apps.orders.selectors.quality.statement import (
    FIGURES_STATEMENT,
    HISTOGRAM_STATEMENT,
    statement_values,
)
from apps.orders.selectors.quality.window import Grouping, QualityWindow

_MILLISECOND_PLACES = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPercentiles:
    """How long a part of the way took: milliseconds of machine time, over so many orders."""

    orders: int
    p50: Decimal
    p95: Decimal
    p99: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFigures:
    """What the executions of a group cost. Positive is a cost; None: no order tells.

    Costs in basis points are sums of costs over sums of notional, which weighs each order by its
    notional at the price it is measured against. Amounts of different currencies are never added:
    a group has figures for each.

    Attributes:
        group: Strategy, symbol, broker or hour (UTC, 00 to 23); None: orders by hand, or all.
        currency: Quote currency of the instruments.
        orders: What venues had: orders sent, and attached exits that filled.
        sent_orders: Those that the desk sent itself.
        filled_notional: Filled quantity at its prices, quote currency.
        arrival_orders, spread_orders, vwap_orders, shortfall_orders: How many orders the figure
            rests on; the others lack a quote, bars or a fill.
        shortfall: Sum, quote currency.
        fill_ratio: Filled notional over ordered notional of ended orders that wait for no
            trigger, at the price of the decision; 0 to 1.
        reject_ratio: Orders that the venue refused over orders sent; 0 to 1.
    """

    group: str | None
    currency: str
    orders: int
    sent_orders: int
    rejected_orders: int
    filled_orders: int
    filled_notional: Decimal
    arrival_slippage_bps: Decimal | None
    arrival_orders: int
    submit_slippage_bps: Decimal | None
    effective_spread_bps: Decimal | None
    spread_orders: int
    vwap_slippage_bps: Decimal | None
    vwap_orders: int
    shortfall: Decimal | None
    shortfall_bps: Decimal | None
    shortfall_orders: int
    fill_ratio: Decimal | None
    reject_ratio: Decimal | None
    bar_close_to_wire: LatencyPercentiles | None
    decision_to_wire: LatencyPercentiles | None
    wire_to_ack: LatencyPercentiles | None
    ack_to_fill: LatencyPercentiles | None

    @property
    def fill_percent(self) -> Decimal | None:
        """The fill ratio, 0 to 100."""
        return None if self.fill_ratio is None else self.fill_ratio * 100

    @property
    def reject_percent(self) -> Decimal | None:
        """The reject ratio, 0 to 100."""
        return None if self.reject_ratio is None else self.reject_ratio * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramBin:
    """Orders whose slippage lies between two edges, the lower included; None: no edge there."""

    from_bps: Decimal | None
    to_bps: Decimal | None
    orders: int


Histogram = tuple[HistogramBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityTable:
    """All figures of one window, by currency first.

    Attributes:
        totals: Of everything.
        groups: Of each group, by name; orders by hand come last.
        hours: Of each hour of the day, earliest first.
        arrival_range_bps: Where 98 of 100 orders lie; None: no order has an arrival slippage.
    """

    totals: tuple[QualityFigures, ...]
    groups: tuple[QualityFigures, ...]
    hours: tuple[QualityFigures, ...]
    arrival_range_bps: tuple[Decimal, Decimal] | None


def execution_quality_table(*, window: QualityWindow, by: Grouping) -> QualityTable:
    """Measure a window's orders in one statement."""
    rows = _rows(FIGURES_STATEMENT, statement_values(window, by))
    totals = [row for row in rows if not row["is_of_key"] and not row["is_of_hour"]]
    ranges = [row["arrival_range_bps"] for row in totals if row["arrival_range_bps"]]
    return QualityTable(
        totals=tuple(_figures(row, group=None) for row in totals),
        groups=tuple(_figures(row, group=row["key"]) for row in rows if row["is_of_key"]),
        hours=tuple(_figures(row, group=row["hour"]) for row in rows if row["is_of_hour"]),
        arrival_range_bps=(min(low for low, _ in ranges), max(high for _, high in ranges))
        if ranges
        else None,
    )


def slippage_histogram(*, window: QualityWindow, table: QualityTable) -> Histogram:
    """Count a window's orders by arrival slippage, in bins that its table's range suggests."""
    if table.arrival_range_bps is None:
        return ()
    edges = bin_edges(*table.arrival_range_bps)
    values = {**statement_values(window, Grouping.HOUR), "edges": edges}
    rows = _rows(HISTOGRAM_STATEMENT, values)
    counts = {row["number"]: row["orders"] for row in rows}
    return tuple(
        HistogramBin(from_bps=low, to_bps=high, orders=counts.get(number, 0))
        for number, (low, high) in enumerate(pairwise([None, *edges, None]))
        if counts.get(number) or (low is not None and high is not None)
    )


def _rows(statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _figures(row: Mapping[str, Any], *, group: str | None) -> QualityFigures:
    return QualityFigures(
        group=group,
        currency=row["currency"],
        orders=row["orders"],
        sent_orders=row["sent_orders"],
        rejected_orders=row["rejected_orders"],
        filled_orders=row["filled_orders"],
        filled_notional=stored(row["filled_notional"]),
        arrival_slippage_bps=_amount(row["arrival_slippage_bps"]),
        arrival_orders=row["arrival_orders"],
        submit_slippage_bps=_amount(row["submit_slippage_bps"]),
        effective_spread_bps=_amount(row["effective_spread_bps"]),
        spread_orders=row["spread_orders"],
        vwap_slippage_bps=_amount(row["vwap_slippage_bps"]),
        vwap_orders=row["vwap_orders"],
        shortfall=_amount(row["shortfall"]),
        shortfall_bps=_amount(row["shortfall_bps"]),
        shortfall_orders=row["shortfall_orders"],
        fill_ratio=_amount(row["fill_ratio"]),
        reject_ratio=_amount(row["reject_ratio"]),
        bar_close_to_wire=_percentiles(row, "bar_close_to_wire"),
        decision_to_wire=_percentiles(row, "decision_to_wire"),
        wire_to_ack=_percentiles(row, "wire_to_ack"),
        ack_to_fill=_percentiles(row, "ack_to_fill"),
    )


def _amount(value: Decimal | None) -> Decimal | None:
    return None if value is None else stored(value)


def _percentiles(row: Mapping[str, Any], part: str) -> LatencyPercentiles | None:
    if row[part] is None:
        return None
    p50, p95, p99 = (Decimal(value).quantize(_MILLISECOND_PLACES) for value in row[part])
    return LatencyPercentiles(orders=row[f"{part}_orders"], p50=p50, p95=p95, p99=p99)
