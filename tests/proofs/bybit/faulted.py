"""Sends orders to a venue whose answers get lost, and settles each as the desk would.

An order that certainly did not leave is sent when the venue takes orders again. Where the outcome
is not known it is looked up until the venue tells, over the waiting window that the adapter
promises; it is never sent again.
"""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from apps.brokers.bybit.gateway import BybitGateway
from apps.orders.domain.ports import (
    BrokerError,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from apps.orders.domain.types import FillReport, OrderReport, OrderRequest, OrderType, Side
from tests.venues.bybit import BybitVenue

SYMBOL = "BYBIT:BTCUSDT.P"
AWAY_EVERY, AWAY_SECONDS = 200, 2.0
WINDOW_SECONDS = 1.0
"""Enough for a venue that works an order off in milliseconds; Bybit's own is longer."""


@dataclass
class Tally:
    """What became of the submissions.

    Attributes:
        sent: Ids whose outcome is an order; absent, refused: those that came to none.
        unsent: Ids that at some time certainly did not leave.
        resolved_seconds: The longest time from the first unknown outcome to the truth, counted
            from the venue's return where it was away.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    sent: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unsent: set[str] = field(default_factory=set)
    resolved_seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(map(len, (self.sent, self.absent, self.refused)))


class Submissions:
    """Orders one after the other, each settled before the next."""

    def __init__(self, gateway: BybitGateway, venue: BybitVenue) -> None:
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
            order_type=OrderType.MARKET,
            quantity=Decimal("0.1"),
            as_of=datetime.now(UTC),
        )
        while not self._has_left(request):
            time.sleep(0.05)

    def _has_left(self, request: OrderRequest) -> bool:
        key = request.client_order_id
        try:
            self.gateway.order_place(request)
        except OutcomeUnknown:
            self.tally.outcomes["OutcomeUnknown"] += 1
            self._settle(key)
        except Rejected:
            self.tally.outcomes["Rejected"] += 1
            self.tally.refused.add(key)
        except (Unavailable, Throttled) as error:
            self.tally.outcomes[type(error).__name__] += 1
            self.tally.unsent.add(key)
            return False
        else:
            self.tally.outcomes["answered"] += 1
            self.tally.sent.add(key)
        return True

    def _settle(self, key: str) -> None:
        began = time.monotonic()
        while True:
            try:
                report = self.gateway.order_find(client_order_id=key, symbol=SYMBOL)
            except BrokerError:
                time.sleep(0.02)
                continue
            if report is not None:
                self.tally.sent.add(key)
                break
            if time.monotonic() - max(began, self._back_at) > WINDOW_SECONDS:
                self.tally.absent.add(key)
                break
            time.sleep(0.05)
        took = time.monotonic() - max(began, self._back_at)
        self.tally.resolved_seconds = max(self.tally.resolved_seconds, took)


def all_fills(gateway: BybitGateway) -> list[FillReport]:
    """Return every execution that the adapter tells, page by page."""
    fills: list[FillReport] = []
    cursor = ""
    while True:
        page, following = gateway.fill_list_since(cursor)
        fills += page
        if following == cursor:
            return fills
        cursor = following


def orders_told(gateway: BybitGateway) -> dict[str, OrderReport]:
    """Return the last report of each order that the adapter tells."""
    told: dict[str, OrderReport] = {}
    page = gateway.reports_since("")
    while True:
        for report in page.reports:
            if isinstance(report, OrderReport):
                told[report.client_order_id] = replace(report)
        if not page.has_more:
            return told
        page = gateway.reports_since(page.cursor)
