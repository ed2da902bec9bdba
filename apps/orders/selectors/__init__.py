"""Reads of orders and managed orders."""

from apps.orders.selectors.changes import amend_objection, cancel_objection
from apps.orders.selectors.groups import (
    OPEN_GROUP_STATES,
    group_account_waiting,
    group_entry_average,
    group_list_open,
    group_list_open_of,
    group_snapshot,
)
from apps.orders.selectors.orders import (
    BY_DESK,
    FINAL_VALUES,
    UNRESOLVED_VALUES,
    WORKING_VALUES,
    closing_is_unknown,
    freeze_reason,
    order_list_changing,
    order_list_expiring,
    order_list_for,
    order_list_open_of,
    order_list_unfinished,
    order_list_unfinished_of_desk,
    order_list_working,
    order_list_working_on,
    order_times_sent,
)
from apps.orders.selectors.pace import OrderPace, order_pace
from apps.orders.selectors.quality import (
    MeasuredOrder,
    OrderTimings,
    measured_order_list,
    order_measure,
    orders_measure,
)

__all__ = [
    "BY_DESK",
    "FINAL_VALUES",
    "OPEN_GROUP_STATES",
    "UNRESOLVED_VALUES",
    "WORKING_VALUES",
    "MeasuredOrder",
    "OrderPace",
    "OrderTimings",
    "amend_objection",
    "cancel_objection",
    "closing_is_unknown",
    "freeze_reason",
    "group_account_waiting",
    "group_entry_average",
    "group_list_open",
    "group_list_open_of",
    "group_snapshot",
    "measured_order_list",
    "order_list_changing",
    "order_list_expiring",
    "order_list_for",
    "order_list_open_of",
    "order_list_unfinished",
    "order_list_unfinished_of_desk",
    "order_list_working",
    "order_list_working_on",
    "order_measure",
    "order_pace",
    "order_times_sent",
    "orders_measure",
]
