"""Keeps within Angel One's rates, counted for all processes together, and a little below them.

Source: SmartAPI documentation, "Rate Limit". Its users report refusals below the published rates.
"""

import time
from collections.abc import Callable

from apps.brokers.limits import RateLimit, permit_take
from apps.orders.domain.ports import Throttled

READ_PATIENCE_SECONDS = 8.0
WRITE_PATIENCE_SECONDS = 1.0
_LONGEST_NAP = 0.25

_MINUTE, _HOUR = 60.0, 3600.0
_ORDERS = (RateLimit(8, 1.0), RateLimit(490, _MINUTE), RateLimit(990, _HOUR))
_TRIGGERS = (RateLimit(8, 1.0), RateLimit(490, _MINUTE), RateLimit(4900, _HOUR))
_DETAILS = (RateLimit(9, 1.0), RateLimit(490, _MINUTE), RateLimit(4900, _HOUR))
_CANDLES = (RateLimit(2, 1.0), RateLimit(170, _MINUTE), RateLimit(4900, _HOUR))
_SECOND = 1.2  # two requests may arrive closer together than they left
_ONE = (RateLimit(1, _SECOND),)

LIMITS: dict[str, tuple[RateLimit, ...]] = {
    "api.login": _ONE,
    "api.logout": _ONE,
    "api.token": (RateLimit(1, _SECOND), RateLimit(990, _HOUR)),
    "api.user.profile": (RateLimit(3, _SECOND), RateLimit(990, _HOUR)),
    "api.rms.limit": (RateLimit(2, _SECOND),),
    "api.order.placefullresponse": _ORDERS,
    "api.order.modify": _ORDERS,
    "api.order.cancel": _ORDERS,
    "api.order.book": _ONE,
    "api.trade.book": _ONE,
    "api.position": _ONE,
    "api.allholding": _ONE,
    "api.individual.order.details": _DETAILS,
    "api.ltp.data": _DETAILS,
    "api.market.data": _DETAILS,
    "api.candle.data": _CANDLES,
    "api.oi.data": _CANDLES,
    "api.margin.api": _DETAILS,
    "api.estimateCharges": _ONE,
    "api.gtt.create": _TRIGGERS,
    "api.gtt.modify": _TRIGGERS,
    "api.gtt.cancel": _TRIGGERS,
    "api.gtt.details": _DETAILS,
    "api.gtt.list": _DETAILS,
}
COMBINED = {
    name: ("orders", (RateLimit(8, 1.0),))
    for name in ("api.order.placefullresponse", "api.order.modify", "api.order.cancel")
} | dict.fromkeys(("api.candle.data", "api.oi.data"), ("candles", _CANDLES))
"""Limits that several routes share."""

Pace = Callable[[str, bool], None]


def pace_for(client: str) -> Pace:
    """Return what takes the permits of one client's requests.

    Args:
        client: Names the client in the buckets; no secret.
    """

    def take(route: str, is_write: bool) -> None:
        patience = WRITE_PATIENCE_SECONDS if is_write else READ_PATIENCE_SECONDS
        until = time.monotonic() + patience
        asked = [(route.removeprefix("api."), LIMITS.get(route, _ONE))]
        if route in COMBINED:
            asked.append(COMBINED[route])
        for bucket, limits in asked:
            _permit_wait(f"angelone:{client}:{bucket}", limits, until)

    return take


def _permit_wait(bucket: str, limits: tuple[RateLimit, ...], until: float) -> None:
    while True:
        try:
            permit_take(bucket=bucket, limits=limits)
        except Throttled as early:
            if time.monotonic() + early.retry_after_seconds > until:
                raise
            time.sleep(min(max(early.retry_after_seconds, 0.01), _LONGEST_NAP))
        else:
            return
