"""Reads one order's life as its page tells it: step by step, and what the market showed then."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, QuerySet

from apps.accounts.models import User
from apps.marketdata.domain.quotes import QuoteView
from apps.orders.models import Fill, Order, OrderEvent, OrderQuote
from apps.orders.selectors.orders import order_list_for

_TITLES = {
    "order.intended": "Written down, before anyone else heard of it",
    "order.claimed": "Taken by a worker to be sent",
    "order.returned_unsent": "Certainly not sent; it waits to be sent again",
    "order.acknowledged": "Taken by the venue",
    "order.accepted": "Working at the venue",
    "order.reported": "Reported by the venue",
    "order.outcome_unknown": "No answer: its outcome is not known, and it is looked up",
    "order.absence_proved": "Proved never to have arrived",
    "order.partially_filled": "Filled in part",
    "order.filled": "Filled",
    "order.amend_requested": "New terms asked for",
    "order.amend_sending": "New terms on their way to the venue",
    "order.amended": "New terms in force",
    "order.amend_refused": "New terms refused; it works on as it was",
    "order.terms_set_by_venue": "Price set by the venue",
    "order.cancel_requested": "Cancel asked for",
    "order.canceled": "Canceled",
    "order.expired": "Expired",
    "order.rejected": "Rejected",
    "order.abandoned": "Given up before it was sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeStep:
    """One step of an order's life; ``actor`` is the person who took it, or empty."""

    event: OrderEvent
    title: str
    actor: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketShown:
    """What the market showed at one moment of an order; ``fill`` is the execution at FILL."""

    quote: OrderQuote
    mid: Decimal
    fill: Fill | None


def order_life_list(user: User | AnonymousUser) -> QuerySet[Order]:
    """Return the orders that a person may read, each with all that its page tells."""
    return (
        order_list_for(user)
        .select_related("signal", "risk_decision", "parent", "group", "created_by")
        .prefetch_related(
            Prefetch("events", OrderEvent.objects.order_by("sequence")),
            Prefetch("fills", Fill.objects.select_related("quote").order_by("executed_at", "pk")),
            Prefetch("quotes", OrderQuote.objects.select_related("fill").order_by("pk")),
            "exits__instrument",
            "freezes",
        )
    )


def order_steps(order: Order) -> list[LifeStep]:
    """Return the steps of an order of ``order_life_list``, oldest first, with who took them."""
    return [
        LifeStep(
            event=event,
            title=_TITLES.get(event.kind, event.kind),
            actor=event.details.get("by", ""),
            details={name: value for name, value in event.details.items() if name != "by"},
        )
        for event in order.events.all()
    ]


def order_markets(order: Order) -> list[MarketShown]:
    """Return what the market showed at each moment of an order of ``order_life_list``."""
    return [
        MarketShown(
            quote=quote,
            mid=QuoteView(last=quote.last, bid=quote.bid, ask=quote.ask).mid,
            fill=quote.fill,
        )
        for quote in order.quotes.all()
    ]
