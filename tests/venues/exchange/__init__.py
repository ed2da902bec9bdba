"""A matching engine with price-time priority, without a wire: the heart of every venue here."""

from tests.venues.exchange.book import BookRefusal, OrderBook, Outcome
from tests.venues.exchange.orders import (
    HOUSE,
    BookOrder,
    BookStatus,
    CancelReason,
    Execution,
    Side,
    TimeInForce,
)
from tests.venues.exchange.triggers import Trigger, TriggerBook

__all__ = [
    "HOUSE",
    "BookOrder",
    "BookRefusal",
    "BookStatus",
    "CancelReason",
    "Execution",
    "OrderBook",
    "Outcome",
    "Side",
    "TimeInForce",
    "Trigger",
    "TriggerBook",
]
