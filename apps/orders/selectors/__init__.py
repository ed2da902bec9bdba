"""Reads of orders and managed orders."""

from apps.orders.selectors.groups import group_entry_average, group_list_open, group_snapshot
from apps.orders.selectors.orders import (
    FINAL_VALUES,
    UNRESOLVED_VALUES,
    WORKING_VALUES,
    freeze_reason,
    order_count_decided_since,
    order_count_executed,
    order_count_open,
    order_counts_of_day,
    order_list_for,
    order_list_open_of,
    order_list_unfinished,
    order_list_working,
    order_list_working_on,
    order_times_sent,
)
from apps.orders.selectors.quality import (
    MeasuredOrder,
    OrderTimings,
    measured_order_list,
    order_measure,
    orders_measure,
)

__all__ = [
    "FINAL_VALUES",
    "UNRESOLVED_VALUES",
    "WORKING_VALUES",
    "MeasuredOrder",
    "OrderTimings",
    "freeze_reason",
    "group_entry_average",
    "group_list_open",
    "group_snapshot",
    "measured_order_list",
    "order_count_decided_since",
    "order_count_executed",
    "order_count_open",
    "order_counts_of_day",
    "order_list_for",
    "order_list_open_of",
    "order_list_unfinished",
    "order_list_working",
    "order_list_working_on",
    "order_measure",
    "order_times_sent",
    "orders_measure",
]
