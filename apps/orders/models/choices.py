"""The words that columns of orders may hold."""

from apps.orders.domain.groups import GroupKind, GroupState
from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderOrigin, OrderRole, OrderType, Side, TimeInForce


def words(value: str) -> str:
    """Write a constant as a person reads it."""
    return value.replace("_", " ").capitalize()


SIDES = [(side.value, words(side)) for side in Side]
STATUSES = [(status.value, words(status)) for status in OrderStatus]
ORDER_TYPES = [(kind.value, words(kind)) for kind in OrderType]
ROLES = [(role.value, words(role)) for role in OrderRole]
TIMES_IN_FORCE = [(time.value, time.value) for time in TimeInForce]
ORIGINS = [(origin.value, words(origin)) for origin in OrderOrigin]
GROUP_KINDS = [(GroupKind.OCO.value, "OCO"), (GroupKind.TWAP.value, "TWAP")] + [
    (kind.value, words(kind)) for kind in GroupKind if kind not in (GroupKind.OCO, GroupKind.TWAP)
]
GROUP_STATES = [(state.value, words(state)) for state in GroupState]
