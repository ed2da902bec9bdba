"""An account on the loopback venue that a person trades by hand, worked as workers work it."""

from decimal import Decimal
from itertools import count
from typing import Any

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.execution.account_runner import account_tick
from apps.execution.runner import TickResult
from apps.execution.services.entry import EnteredOrder, order_enter
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.marketdata.services import quote_record
from apps.orders.domain.tickets import OrderTicket
from apps.orders.domain.types import OrderOrigin, Side
from apps.orders.models import Order, OrderGroup
from apps.positions.selectors import position_quantity_account
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.venues.loopback.process import LoopbackVenue

D = Decimal


class HandDesk:
    """Enters tickets, moves the market and lets the account be worked."""

    def __init__(self, venue: LoopbackVenue) -> None:
        self.venue = venue
        self.account: TradingAccount = TradingAccountFactory(broker="BYBIT", mode="TEST")
        self.instrument: Instrument = InstrumentFactory(
            venue="BYBIT", tick_size=D("0.5"), lot_size=D(1), minimum_notional=D(0)
        )
        self._keys = count(1)
        self.price(100)
        self.reconcile()

    def price(self, last: int | str, **terms: Any) -> None:
        """Move the market at the venue, and let the desk see it."""
        self.venue.price(self.instrument.symbol, last, **terms)
        quote_record(
            instrument=self.instrument,
            quote=QuoteView(last=D(last)),
            source="TICKER",
            quoted_at=wall_now(),
        )

    def enter(self, side: Side = Side.BUY, quantity: int = 10, **terms: Any) -> EnteredOrder:
        entered = self.ask(side, quantity, **terms)
        assert entered.decision.outcome == "ALLOWED", entered.decision.reason
        return entered

    def ask(self, side: Side, quantity: int, **terms: Any) -> EnteredOrder:
        """Enter an order that the gate may deny."""
        return order_enter(
            account=self.account,
            instrument=self.instrument,
            ticket=OrderTicket(side=side, quantity=D(quantity), **terms),
            key=f"hand-{next(self._keys)}",
            actor=None,
            origin=OrderOrigin.MANUAL,
        )

    def work(self) -> TickResult:
        return account_tick(account_id=self.account.pk)

    def settle(self, *, most: int = 20) -> None:
        """Work until nothing is waited for."""
        for _ in range(most):
            if self.work() is TickResult.DONE:
                return
        raise AssertionError(f"the account does not come to rest: {self.legs()}")

    def group(self) -> OrderGroup:
        return OrderGroup.objects.get(account=self.account)

    def legs(self) -> dict[str, tuple[str, Decimal, Decimal]]:
        orders = Order.objects.filter(account=self.account).order_by("pk")
        return {
            order.leg or order.client_order_id: (
                order.status,
                order.quantity,
                order.filled_quantity,
            )
            for order in orders
        }

    def held(self) -> Decimal:
        return position_quantity_account(account=self.account, instrument=self.instrument)

    def working(self) -> dict[str, Decimal]:
        """Return what works at the venue by the venue's own word, by leg."""
        legs = dict(Order.objects.values_list("client_order_id", "leg"))
        return {
            legs[report.client_order_id]: report.quantity - report.filled_quantity
            for report in gateway_for(self.account).order_list_open()
        }

    def reconcile(self) -> ReconciliationRun:
        return reconciliation_run(
            account=self.account,
            gateway=gateway_for(self.account),
            trigger=ReconciliationRun.Trigger.COMMAND,
        )
