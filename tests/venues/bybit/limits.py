"""Documented rate limits, counted by endpoint over a rolling second, and their headers."""

from collections import deque
from decimal import Decimal

from tests.venues.bybit.replies import Refusal

_ORDERS = {"linear": 10, "spot": 20}
_BY_PATH = {
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/position/closed-pnl": 50,
    "/v5/account/wallet-balance": 50,
    "/v5/account/info": 50,
    "/v5/account/transaction-log": 25,
    "/v5/position/set-leverage": 10,
    "/v5/position/switch-mode": 10,
    "/v5/position/trading-stop": 10,
    "/v5/user/query-api": 10,
    "/v5/account/fee-rate": 5,
}
TOO_MANY = "Too many visits. Exceeded the API Rate Limit."
_WINDOW_MS = 1000


def documented_limit(path: str, category: str) -> int:
    """Return how often a second a path may be asked."""
    if path.startswith("/v5/order/") and path not in _BY_PATH:
        amends_spot = category == "spot" and path.startswith("/v5/order/amend")
        return 10 if amends_spot else _ORDERS.get(category, 10)
    return _BY_PATH.get(path, 50)


class RateLimits:
    """What each bucket took in the last second."""

    def __init__(self, scale: Decimal) -> None:
        self.scale = scale
        self._taken: dict[tuple[str, str], deque[int]] = {}

    def take(
        self, path: str, category: str, *, now_ms: int, count: int = 1
    ) -> tuple[dict[str, str], int]:
        """Count a request, or the orders of a batch as far as there is room.

        Returns:
            The headers that tell what is left, and how many were taken: less than ``count`` of a
            batch that is too large.

        Raises:
            Refusal: 10006, there is no room at all; headers by ``headers_exceeded``.
        """
        limit = self._limit(path, category)
        if not limit:
            return {}, count
        taken = self._bucket(path, category, now_ms)
        granted = min(count, limit - len(taken))
        if granted <= 0:
            raise Refusal(10006, TOO_MANY)
        taken.extend([now_ms] * granted)
        return _headers(limit, limit - len(taken), now_ms), granted

    def headers_exceeded(self, path: str, category: str, *, now_ms: int) -> dict[str, str]:
        """Return the headers of a refusal: when the bucket has room again."""
        taken = self._bucket(path, category, now_ms)
        reset = (taken[0] if taken else now_ms) + _WINDOW_MS
        return _headers(self._limit(path, category), 0, reset)

    def _limit(self, path: str, category: str) -> int:
        return int(documented_limit(path, category) * self.scale)

    def _bucket(self, path: str, category: str, now_ms: int) -> deque[int]:
        taken = self._taken.setdefault((path, category), deque())
        while taken and taken[0] <= now_ms - _WINDOW_MS:
            taken.popleft()
        return taken


def _headers(limit: int, left: int, reset_ms: int) -> dict[str, str]:
    return {
        "X-Bapi-Limit": str(limit),
        "X-Bapi-Limit-Status": str(left),
        "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
    }
