"""The documented rates, per client: a second, a minute, an hour, and order writes together."""

import time
from collections import deque

Rates = tuple[tuple[int, float], ...]

_SECOND, _MINUTE, _HOUR = 1.0, 60.0, 3600.0
_ORDERS: Rates = ((9, _SECOND), (500, _MINUTE), (1000, _HOUR))
_TEN: Rates = ((10, _SECOND), (500, _MINUTE), (5000, _HOUR))
_RULES: Rates = ((9, _SECOND), (500, _MINUTE), (5000, _HOUR))
_ONE: Rates = ((1, _SECOND),)
TOGETHER = "order writes"
WRITES = ("placeOrder", "modifyOrder", "cancelOrder")
RATES: dict[str, Rates] = {
    TOGETHER: ((9, _SECOND),),
    "loginByPassword": _ONE,
    "generateTokens": ((1, _SECOND), (1000, _HOUR)),
    "getProfile": ((3, _SECOND), (1000, _HOUR)),
    "logout": _ONE,
    "getRMS": ((2, _SECOND),),
    **dict.fromkeys(WRITES, _ORDERS),
    **dict.fromkeys(("getOrderBook", "getTradeBook", "getPosition"), _ONE),
    **dict.fromkeys(("details", "getLtpData", "convertPosition", "quote", "batch"), _TEN),
    **dict.fromkeys(("searchScrip", "getHolding", "getAllHolding", "optionGreek"), _ONE),
    **dict.fromkeys(("getCandleData", "getOIData"), ((3, _SECOND), (180, _MINUTE), (5000, _HOUR))),
    **dict.fromkeys(("createRule", "modifyRule", "cancelRule"), _RULES),
    **dict.fromkeys(("ruleDetails", "ruleList"), _TEN),
    "estimateCharges": _TEN,
}
_SHARED = {"getOIData": "getCandleData"}


class RateLimits:
    """Counts what each client asked for; a request too many is not counted."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self._taken: dict[tuple[str, str], deque[float]] = {}

    def takes(self, client: str, name: str) -> bool:
        """Tell whether one more request is within the rates, and count it if so."""
        if not self.scale or name not in RATES:
            return True
        name = _SHARED.get(name, name)
        names = (name, TOGETHER) if name in WRITES else (name,)
        now = time.monotonic()
        if not all(self._has_room(client, each, now) for each in names):
            return False
        for each in names:
            self._taken[(client, each)].append(now)
        return True

    def _has_room(self, client: str, name: str, now: float) -> bool:
        taken = self._taken.setdefault((client, name), deque())
        longest = RATES[name][-1][1]
        while taken and taken[0] <= now - longest:
            taken.popleft()
        return all(
            sum(1 for at in taken if at > now - seconds) < count * self.scale
            for count, seconds in RATES[name]
        )
