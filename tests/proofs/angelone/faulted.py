"""Sends orders to a venue whose answers get lost, and settles each as the desk would.

An order that certainly did not leave is sent when the venue takes orders again. Where the outcome
is not known it is looked for by its tag. One that is not found while the session runs stays open:
at Angel One only the book after the session's end proves that it never arrived.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from apps.brokers.angelone.gateway import AngelOneGateway
from apps.core.clock import now
from apps.orders.domain.ports import BrokerError, OutcomeUnknown, Rejected, Throttled, Unavailable
from apps.orders.domain.types import (
    FillReport,
    OrderReport,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
)
from tests.contracts.angelone import SYMBOL
from tests.venues.angelone import AngelOneVenue

AWAY_EVERY, AWAY_SECONDS = 500, 1.0
LOOKS = 3


@dataclass
class Tally:
    """What became of the submissions.

    Attributes:
        sent: Ids whose outcome is an order; refused: those that came to none.
        open: Ids that the running session's book does not show.
        resolved_seconds: The longest time from the first unknown outcome until it was found,
            counted from the venue's return where it was away.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    sent: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    resolved_seconds: float = 0.0


class Submissions:
    """Orders one after the other, each looked for before the next."""

    def __init__(self, gateway: AngelOneGateway, venue: AngelOneVenue) -> None:
        self.gateway, self.venue = gateway, venue
        self.tally = Tally()
        self._back_at = 0.0

    def run(self, count: int) -> Tally:
        """Send so many; now and then the venue is away altogether."""
        for number in range(count):
            if number % AWAY_EVERY == AWAY_EVERY // 2:
                self.venue.control("away", seconds=AWAY_SECONDS)
                self._back_at = time.monotonic() + AWAY_SECONDS
            self._submit(f"F{number:06d}", Side.BUY if number % 2 else Side.SELL)
        return self.tally

    def _submit(self, key: str, side: Side) -> None:
        request = OrderRequest(
            client_order_id=key,
            symbol=SYMBOL,
            side=side,
            order_type=OrderType.LIMIT,
            limit_price=Decimal(115 if side is Side.BUY else 85),
            time_in_force=TimeInForce.DAY,
            quantity=Decimal(1),
            as_of=now(),
        )
        while not self._has_left(request):
            time.sleep(0.05)

    def _has_left(self, request: OrderRequest) -> bool:
        key = request.client_order_id
        try:
            self.gateway.order_place(request)
        except OutcomeUnknown:
            self.tally.outcomes["OutcomeUnknown"] += 1
            self._look_for(key)
        except Rejected:
            self.tally.outcomes["Rejected"] += 1
            self.tally.refused.add(key)
        except (Unavailable, Throttled) as error:
            self.tally.outcomes[type(error).__name__] += 1
            return False
        else:
            self.tally.outcomes["answered"] += 1
            self.tally.sent.add(key)
        return True

    def _look_for(self, key: str) -> None:
        began, looks = time.monotonic(), 0
        while looks < LOOKS:
            try:
                report = self.gateway.order_find(client_order_id=key, symbol=SYMBOL)
            except BrokerError:
                time.sleep(0.02)
                continue
            looks += 1
            if report is not None:
                self.tally.sent.add(key)
                took = time.monotonic() - max(began, self._back_at)
                self.tally.resolved_seconds = max(self.tally.resolved_seconds, took)
                return
            time.sleep(0.02)
        self.tally.open.add(key)


def all_fills(gateway: AngelOneGateway) -> list[FillReport]:
    """Return every execution that the adapter tells, page by page."""
    fills: list[FillReport] = []
    cursor = ""
    while True:
        page, following = gateway.fill_list_since(cursor)
        fills += page
        if following == cursor:
            return fills
        cursor = following


def orders_told(gateway: AngelOneGateway) -> dict[str, OrderReport]:
    """Return the last report of each order that the adapter tells."""
    told: dict[str, OrderReport] = {}
    page = gateway.reports_since("")
    while True:
        told |= {
            each.client_order_id: each for each in page.reports if isinstance(each, OrderReport)
        }
        if not page.has_more:
            return told
        page = gateway.reports_since(page.cursor)
