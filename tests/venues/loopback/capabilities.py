"""What the loopback adapter promises, as JSON that fits an environment variable."""

import json
from dataclasses import fields
from typing import Any

from apps.orders.domain.types import BrokerCapabilities, OrderType, TimeInForce
from tests.venues.loopback.terms import Deduplication, VenueSettings

_WORDS = {"order_types": OrderType, "times_in_force": TimeInForce}


def capabilities_of(
    settings: VenueSettings,
    *,
    absence_window_seconds: float | None = 0.5,
    market_orders_by_algo: bool = True,
) -> BrokerCapabilities:
    """Return what an adapter to a venue with these settings can promise.

    Args:
        absence_window_seconds: Kept only where the venue refuses to take an order twice.
    """
    deduplicates = settings.deduplication is not Deduplication.OFF
    return BrokerCapabilities(
        attached_exits=False,
        deduplicates=deduplicates,
        absence_window_seconds=absence_window_seconds if deduplicates else None,
        order_types=frozenset(OrderType(word) for word in settings.order_types),
        times_in_force=frozenset(TimeInForce(word) for word in settings.times_in_force),
        amends=settings.amends,
        post_only=settings.post_only,
        market_orders_by_algo=market_orders_by_algo,
    )


def capabilities_dump(capabilities: BrokerCapabilities) -> str:
    """Write them down."""
    values = {field.name: getattr(capabilities, field.name) for field in fields(capabilities)}
    return json.dumps(values, default=sorted)


def capabilities_load(text: str) -> BrokerCapabilities:
    """Read them again."""
    values: dict[str, Any] = json.loads(text)
    for name, word in _WORDS.items():
        values[name] = frozenset(word(item) for item in values[name])
    return BrokerCapabilities(**values)
