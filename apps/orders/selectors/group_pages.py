"""Reads managed orders as their pages show them, with what they are about in words."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Prefetch, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from apps.accounts.models import TradingAccount, User
from apps.accounts.selectors import account_list_for
from apps.core.fields import AmountField
from apps.core.money import ZERO
from apps.orders.domain.groups import GroupKind
from apps.orders.models import Order, OrderGroup
from apps.orders.selectors.orders import FINAL_VALUES

_SETTINGS = {
    "limit_price": "Limit price",
    "stop_price": "Stop price",
    "stop_limit_price": "Limit price of the stop",
    "entry_limit_price": "Limit price of the entry",
    "entry_time_in_force": "Time in force of the entry",
    "entry_maximum_slippage_bps": "Most slippage of the entry, bps",
    "stop_ratio": "Stop, as a part of the entry's price",
    "target_price": "Target price",
    "target_ratio": "Target, as a part of the entry's price",
    "display_quantity": "Quantity shown",
    "starts_at": "First slice",
    "slices": "Slices",
    "interval_seconds": "Seconds between slices",
    "trail_amount": "Distance",
    "trail_ratio": "Distance, as a part of the best price",
    "touch_price": "Trigger price, for us",
    "reduce_only": "Reduce-only",
}
_MEMORY = {
    "best_price": "Best price that the market has shown since",
    "released_at_price": "Price at which the desk released the order",
}
_DUTIES = {
    GroupKind.OCO: "When one exit fills, the desk takes as much off the other.",
    GroupKind.BRACKET: "The desk holds stop and target for exactly what of the entry has filled.",
    GroupKind.ICEBERG: "When a slice has filled, the desk shows the next.",
    GroupKind.TWAP: "The desk sends each slice when it is due.",
    GroupKind.TRAILING_STOP: "A stop rests at the venue; the desk moves it after the market.",
    GroupKind.HELD: "The order rests at the desk; the venue has not seen it until its trigger.",
}
_WITHOUT_DESK = {
    GroupKind.OCO: "Both exits go on working at the venue while the desk is down, and both could "
    "fill: only reduce-only keeps the second from opening something.",
    GroupKind.BRACKET: "What rests at the venue goes on working while the desk is down; an entry "
    "that fills meanwhile has no exits until the desk is back.",
    GroupKind.ICEBERG: "While the desk is down no further slice is shown.",
    GroupKind.TWAP: "While the desk is down no slice is sent; what is missed is spread over the "
    "slices left.",
    GroupKind.TRAILING_STOP: "While the desk is down the stop stays at its last price.",
    GroupKind.HELD: "While the desk is down nothing is released: there is no protection.",
}


def group_list_for(
    user: User | AnonymousUser,
    *,
    account: TradingAccount | None = None,
    state: str = "",
    before: int | None = None,
) -> QuerySet[OrderGroup]:
    """Return the managed orders on accounts that ``user`` may read, newest first.

    ``leg_count``, ``live_leg_count`` and ``filled_units`` come with each; the last adds up the
    side of the group itself, so that a bracket shows its entry.

    Args:
        account, state: Only such; None and empty for all.
        before: Only those with a smaller id: the page below it.
    """
    groups = OrderGroup.objects.filter(account__in=account_list_for(user))
    if account is not None:
        groups = groups.filter(account=account)
    if state:
        groups = groups.filter(state=state)
    if before is not None:
        groups = groups.filter(pk__lt=before)
    live = ~Q(legs__status__in=FINAL_VALUES)
    own_side = Q(legs__role="ENTRY") | ~Q(kind=GroupKind.BRACKET.value)
    return (
        groups.select_related("account", "instrument", "deployment", "created_by")
        .annotate(
            leg_count=Count("legs"),
            live_leg_count=Count("legs", filter=Q(legs__isnull=False) & live),
            filled_units=Coalesce(
                Sum("legs__filled_quantity", filter=own_side),
                Value(ZERO),
                output_field=AmountField(),
            ),
        )
        .order_by("-pk")
    )


def group_page_list(user: User | AnonymousUser) -> QuerySet[OrderGroup]:
    """Return the managed orders that a person may read, each with all that its page tells."""
    legs = Order.objects.select_related("instrument", "account").order_by("pk")
    return (
        group_list_for(user)
        .select_related("signal", "risk_decision")
        .prefetch_related(Prefetch("legs", legs))
    )


def group_settings_in_words(group: OrderGroup) -> list[tuple[str, Any]]:
    """Return what was asked for, named as people name it."""
    return [
        (_SETTINGS.get(name, name), _shown(name, value)) for name, value in group.settings.items()
    ]


def group_memory_in_words(group: OrderGroup) -> list[tuple[str, str]]:
    """Return what the desk has kept in mind since."""
    return [(_MEMORY.get(name, name), value) for name, value in group.memory.items()]


def group_duty(group: OrderGroup) -> str:
    """Say what the desk does for it."""
    return _DUTIES[GroupKind(group.kind)]


def group_without_desk(group: OrderGroup) -> str:
    """Say what becomes of it while the desk is down."""
    return _WITHOUT_DESK[GroupKind(group.kind)]


def _shown(name: str, value: Any) -> Any:
    """Return a moment as the pages write it."""
    if name == "starts_at":
        return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return value
