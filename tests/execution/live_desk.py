"""A deployment on the loopback venue: its bars come by hand, its orders go over the wire."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.execution.account_runner import account_tick
from apps.execution.runner import TickResult, deployment_tick
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.domain.timeframes import Timeframe
from apps.marketdata.domain.types import Bar
from apps.marketdata.models import Instrument
from apps.marketdata.services import candles_store, quote_record
from apps.orders.domain.ports import BrokerGateway
from apps.orders.models import Order, OrderGroup
from apps.positions.selectors import position_quantity
from apps.reconciliation.models import Break, ReconciliationRun
from apps.reconciliation.services import reconciliation_run
from apps.risk.models import RiskDecision
from apps.strategies.models import Deployment
from tests.execution.chain import deployment_running
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.capabilities import capabilities_of
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

D = Decimal
DAY = timedelta(days=1)
EVERY_TIME = ["GTC", "IOC", "FOK", "DAY", "GTD"]
Adapter = Callable[..., BrokerGateway]


class LiveDesk:
    """One account, one instrument at 100, one deployment on daily bars.

    Its first bar closed last midnight and is fresh all day; those after it close at the midnights
    to come, so that each counts as the newest.
    """

    def __init__(self, venue: LoopbackVenue, **terms: Any) -> None:
        self.venue = venue
        self.account: TradingAccount = TradingAccountFactory(broker="BYBIT", mode="TEST")
        self.instrument: Instrument = InstrumentFactory(
            venue="BYBIT", tick_size=D("0.05"), lot_size=D(1), minimum_notional=D(0)
        )
        self._next: datetime = Timeframe.D1.open_of(wall_now()) - DAY
        self._close = D(100)
        self.price(100)
        self.reconcile()
        self.deployment: Deployment = deployment_running(
            account=self.account,
            instruments=[self.instrument],
            timeframe="1d",
            start=self._next,
            **{"size": "10", **terms},
        )

    def price(self, last: int | str, **terms: Any) -> None:
        """Move the market at the venue, and let the desk see it, after the newest bar."""
        self.venue.price(self.instrument.symbol, last, **terms)
        sides = {side: D(terms[side]) for side in ("bid", "ask") if side in terms}
        quote_record(
            instrument=self.instrument,
            quote=QuoteView(last=D(last), **sides),
            source="TICKER",
            quoted_at=max(wall_now(), self._next),
        )

    def bar(self, close: str) -> TickResult:
        """Let a bar close, the deployment deal with it, and the desk hear what came of it."""
        self.bar_arrive(close)
        result = self.tick()
        self.work()
        return result

    def bar_arrive(self, close: str) -> None:
        before, self._close = self._close, D(close)
        prices = (before, self._close)
        opens_at, self._next = self._next, self._next + DAY
        candles_store(
            instrument=self.instrument,
            timeframe="1d",
            bars=[
                Bar(
                    open_at=opens_at,
                    close_at=self._next,
                    open=before,
                    high=max(prices),
                    low=min(prices),
                    close=self._close,
                    volume=D(1000),
                )
            ],
        )

    def tick(self) -> TickResult:
        return deployment_tick(deployment_id=self.deployment.pk, seconds=30)

    def work(self) -> TickResult:
        return account_tick(account_id=self.account.pk)

    def settle(self, *, most: int = 12) -> None:
        """Let both workers go on until neither waits for anything."""
        for _ in range(most):
            results = {self.tick(), self.work()}
            if results <= {TickResult.DONE, TickResult.IDLE}:
                return
        raise AssertionError(f"the desk does not come to rest: {self.orders()}")

    def orders(self) -> list[tuple[str, str, str]]:
        """Role, side and status of every order, oldest first."""
        rows = Order.objects.filter(account=self.account).order_by("pk")
        return list(rows.values_list("role", "side", "status"))

    def newest(self) -> Order:
        return Order.objects.filter(account=self.account).latest("pk")

    def group(self) -> OrderGroup:
        return OrderGroup.objects.filter(account=self.account).latest("pk")

    def legs(self) -> dict[str, tuple[str, Decimal]]:
        """Status and quantity by leg."""
        rows = Order.objects.filter(account=self.account).exclude(leg="").order_by("pk")
        return {row.leg: (row.status, row.quantity) for row in rows}

    def fill(self, order: Order, quantity: int, price: str) -> None:
        """Let the venue fill part of an order, whatever its market says."""
        self.venue.control(
            "fill",
            account=self.account.name,
            client_order_id=order.client_order_id,
            quantity=str(quantity),
            price=price,
        )

    def sent(self) -> list[dict[str, Any]]:
        """What went over the wire as orders, oldest first."""
        requests = self.venue.journal().requests("PLACE")
        return [entry["asked"] for entry in requests]

    def working(self) -> int:
        """Count what works at the venue, by its own word."""
        return len(gateway_for(self.account).order_list_open())

    def held(self) -> Decimal:
        return position_quantity(
            account=self.account, instrument=self.instrument, deployment=self.deployment
        )

    def denials(self) -> list[tuple[str, str]]:
        """Check and sentence of every denied decision, oldest first."""
        denied = RiskDecision.objects.exclude(outcome=RiskDecision.Outcome.ALLOWED).order_by("pk")
        return list(denied.values_list("check_name", "reason"))

    def reconcile(self) -> ReconciliationRun:
        return reconciliation_run(
            account=self.account,
            gateway=gateway_for(self.account),
            trigger=ReconciliationRun.Trigger.COMMAND,
        )

    def assert_books_hold(self) -> None:
        assert self.reconcile().result == ReconciliationRun.Result.MATCHED
        assert not Break.objects.exists()


@contextmanager
def live_desk(
    folder: Path,
    *,
    takes_market: bool = True,
    times: list[str] | None = None,
    adapter: Adapter = LoopbackGateway,
    **terms: Any,
) -> Iterator[LiveDesk]:
    """Run a venue and a deployment on it.

    Args:
        takes_market: Whether the venue takes market orders from programs.
        times: Times in force that the venue knows; None: all.
        terms: Of the deployment, as for ``deployment_running``.
    """
    with loopback_venue(
        folder / "journal", opening_cash="0", times_in_force=times or EVERY_TIME
    ) as venue:
        capabilities = capabilities_of(
            venue.settings(), market_orders_by_algo=takes_market, absence_window_seconds=0
        )

        def opened(account: TradingAccount) -> BrokerGateway:
            return adapter(account, base_url=venue.url, capabilities=capabilities)

        with loopback_installed(opened):
            yield LiveDesk(venue, **terms)
