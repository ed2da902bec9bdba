"""Orders, their history, their fills and what they were measured against."""

from apps.orders.models.choices import (
    GROUP_KINDS,
    GROUP_STATES,
    ORDER_TYPES,
    ORIGINS,
    ROLES,
    SIDES,
    STATUSES,
    TIMES_IN_FORCE,
)
from apps.orders.models.fill import Fill
from apps.orders.models.freeze import InstrumentFreeze
from apps.orders.models.group import OrderGroup
from apps.orders.models.order import Order, OrderEvent
from apps.orders.models.quote import OrderQuote

__all__ = [
    "GROUP_KINDS",
    "GROUP_STATES",
    "ORDER_TYPES",
    "ORIGINS",
    "ROLES",
    "SIDES",
    "STATUSES",
    "TIMES_IN_FORCE",
    "Fill",
    "InstrumentFreeze",
    "Order",
    "OrderEvent",
    "OrderGroup",
    "OrderQuote",
]
