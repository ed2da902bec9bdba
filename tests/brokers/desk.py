"""A desk whose only broker is the paper venue; every step is one of its own services."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.accounts.models import TradingAccount
from apps.brokers.models import PaperBook, PaperPosition
from apps.brokers.paper.gateway import PaperGateway
from apps.brokers.services import market_play
from apps.core.clock import standing_at
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.orders.domain.types import (
    AttachedExit,
    OrderRequest,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from apps.orders.models import Fill, Order
from apps.orders.services import OrderPlan, order_claim, order_create
from apps.positions.models import Position
from apps.positions.selectors import cash_balance, ledger_unbalanced
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.services import reconciliation_run, report_take_in, reports_intake
from tests.brokers.builders import START, D, a_bar, found_order


@dataclass
class Desk:
    """An account at the paper venue, traded by the desk's services; prices as a buyer sees them."""

    account: TradingAccount
    instrument: Instrument
    gateway: PaperGateway
    side: Side

    def price(self, price: Decimal) -> Decimal:
        return price if self.side is Side.BUY else 200 - price

    def bar(self, number: int, prices: str) -> Bar:
        """Return a bar of open, high, low and close."""
        open_, high, low, close = (self.price(D(word)) for word in prices.split())
        bar = a_bar(number)
        low, high = sorted((low, high))
        return replace(bar, open=open_, high=high, low=low, close=close)

    def send(self, key: str = "k", *, at: datetime = START, **terms: Any) -> Order:
        """Write an order down, claim it, bring it to the venue and record the answer."""
        for name in ("limit_price", "stop_price"):
            if terms.get(name) is not None:
                terms[name] = self.price(D(terms[name]))
        values = {"side": self.side, "role": OrderRole.ENTRY, "quantity": D(4), **terms}
        with standing_at(at):
            plan = OrderPlan(key=key, decided_at=at, **values)
            order = order_create(account=self.account, instrument=self.instrument, plan=plan)
            assert order_claim(order=order, epoch=1)
            assert report_take_in(
                account=self.account, report=self.gateway.order_place(request_of(order))
            )
        return order

    def play(self, bars: Iterable[str], *, first: int = 0) -> None:
        """Let bars come, each followed by the desk's intake of the venue's reports."""
        for number, prices in enumerate(bars, start=first):
            bar = self.bar(number, prices)
            with standing_at(bar.close_at):
                market_play(account=self.account, instrument=self.instrument, bar=bar)
                self.take_in()

    def take_in(self) -> None:
        assert reports_intake(account=self.account, gateway=self.gateway).breaks == 0

    def fills(self, order: Order) -> list[tuple[Decimal, Decimal]]:
        """Return quantities and prices, as a buyer sees them."""
        rows = Fill.objects.filter(order=order).order_by("pk")
        return [(fill.quantity, self.price(fill.price)) for fill in rows]

    def books_agree(self) -> bool:
        """Assert that desk and venue tell the same, order by order and to the last decimal."""
        for order in Order.objects.filter(account=self.account):
            theirs = found_order(self.gateway, self.instrument, order.client_order_id)
            assert order.status == theirs.status
            assert order.filled_quantity == theirs.filled_quantity
            assert order.quantity == theirs.quantity
            assert (order.limit_price, order.stop_price) == (theirs.limit_price, theirs.stop_price)
        executed = {fill.trade_id: fill.price for fill in self.gateway.fill_list_since("")[0]}
        assert dict(Fill.objects.values_list("trade_id", "price")) == executed
        held = PaperPosition.objects.values_list("quantity", flat=True).first() or 0
        assert (Position.objects.values_list("quantity", flat=True).first() or 0) == held
        cash = PaperBook.objects.get(account=self.account).cash
        assert cash_balance(account=self.account, currency="USDT") == cash
        assert ledger_unbalanced() == []
        run = reconciliation_run(
            account=self.account,
            gateway=self.gateway,
            trigger=ReconciliationRun.Trigger.COMMAND,
        )
        assert run.result == ReconciliationRun.Result.MATCHED
        assert not Break.objects.exists()
        return True


def request_of(order: Order) -> OrderRequest:
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        time_in_force=TimeInForce(order.time_in_force),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_ratio=order.trail_ratio,
        expires_at=order.expires_at,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        as_of=order.sent_at or START,
        attached=tuple(
            AttachedExit(
                client_order_id=exit_order.client_order_id,
                role=OrderRole(exit_order.role),
                distance_ratio=exit_order.distance_ratio or D(0),
            )
            for exit_order in order.exits.order_by("pk")
        ),
    )
