"""Measures of execution quality: of one order, and of many by what they have in common."""

from apps.orders.selectors.quality.groups import (
    Histogram,
    HistogramBin,
    LatencyPercentiles,
    QualityFigures,
    QualityTable,
    execution_quality_table,
    slippage_histogram,
)
from apps.orders.selectors.quality.orders import (
    MeasuredOrder,
    OrderTimings,
    order_measure,
    with_measures,
)
from apps.orders.selectors.quality.window import (
    LONGEST_WINDOW,
    USUAL_WINDOW,
    Grouping,
    QualityWindow,
    quality_window,
)

__all__ = [
    "LONGEST_WINDOW",
    "USUAL_WINDOW",
    "Grouping",
    "Histogram",
    "HistogramBin",
    "LatencyPercentiles",
    "MeasuredOrder",
    "OrderTimings",
    "QualityFigures",
    "QualityTable",
    "QualityWindow",
    "execution_quality_table",
    "order_measure",
    "quality_window",
    "slippage_histogram",
    "with_measures",
]
