"""Angel One's words for orders, and what they are called at the desk, as tables."""

from datetime import UTC, datetime, time, timedelta, timezone

from apps.orders.domain.states import OrderStatus
from apps.orders.domain.types import OrderType, Side

INDIA = timezone(timedelta(hours=5, minutes=30), "IST")
CURRENCY = "INR"
LONGEST_TAG = 19
"""The broker refuses more than 20 characters; its documentation says fewer than 20."""

EXCHANGES = ("NSE", "BSE", "NFO", "BFO")
"""Where quantities are counted in units. At MCX and CDS they are counted in lots."""

ORDER_TYPES: dict[OrderType, str] = {
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOPLOSS_LIMIT",
    OrderType.STOP_LIMIT: "STOPLOSS_LIMIT",
}
"""MARKET, STOPLOSS_MARKET and IOC are prohibited for programs since 1 April 2026."""

STOPS = frozenset({"STOPLOSS_LIMIT", "STOPLOSS_MARKET"})
SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
SIDES_READ = {word: side for side, word in SIDES.items()}

_UNDER_WAY = OrderStatus.PENDING_NEW
_WORKS = OrderStatus.NEW
STATUSES: dict[str, OrderStatus] = {
    "validation pending": _UNDER_WAY,
    "put order req received": _UNDER_WAY,
    "open pending": _UNDER_WAY,
    "after market order req received": _UNDER_WAY,
    "modify after market order req received": _UNDER_WAY,
    "open": _WORKS,
    "trigger pending": _WORKS,
    "modify validation pending": _WORKS,
    "modify pending": _WORKS,
    "modified": _WORKS,
    "not modified": _WORKS,
    "cancel pending": _WORKS,
    "not cancelled": _WORKS,
    "complete": OrderStatus.FILLED,
    "rejected": OrderStatus.REJECTED,
    "cancelled": OrderStatus.CANCELED,
    "cancelled after market order": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}
"""In lower case. An order in a state that is not listed counts as under way: the broker has it."""

ON_ITS_WAY = frozenset(
    {
        "validation pending",
        "put order req received",
        "open pending",
        "modify validation pending",
        "modify pending",
        "cancel pending",
    }
)
"""States that the exchange's answer ends, most often within a moment."""


def symbol_of(exchange: str, trading_symbol: str) -> str:
    """Return the desk's symbol: NSE:SBIN for SBIN-EQ at NSE, the others as they are."""
    return f"{exchange}:{trading_symbol.removesuffix('-EQ')}"


def in_india(moment: datetime) -> datetime:
    """Return a moment as clocks in India show it."""
    return moment.astimezone(INDIA)


def next_midnight(moment: datetime) -> datetime:
    """Return when the day in India ends (UTC); sessions end with it."""
    day = in_india(moment).date() + timedelta(days=1)
    return datetime.combine(day, time.min, tzinfo=INDIA).astimezone(UTC)
