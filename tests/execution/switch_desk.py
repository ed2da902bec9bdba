"""Two accounts, two instruments and three deployments on the loopback venue, to stop in parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from apps.accounts.models import TradingAccount
from apps.brokers.registry import gateway_for
from apps.core.clock import wall_now
from apps.execution.services.kill_switch import kill_switch_carry_out
from apps.execution.services.leases import (
    account_lease_acquire,
    account_lease_release,
    holder_name,
)
from apps.execution.services.runs import account_run_open
from apps.execution.services.sending import order_send
from apps.marketdata.domain.quotes import QuoteView
from apps.marketdata.models import Instrument
from apps.marketdata.services import quote_record
from apps.orders.domain.types import OrderRole, OrderType, Side
from apps.orders.models import Order
from apps.orders.services import OrderPlan, order_create
from apps.positions.selectors import position_quantity
from apps.reconciliation.models import ReconciliationRun
from apps.reconciliation.services import reconciliation_run, reports_intake
from apps.risk.models import KillSwitch
from apps.risk.services import kill_switch_engage
from apps.strategies.models import Deployment, DeploymentState
from tests.factories.accounts import TradingAccountFactory
from tests.factories.marketdata import InstrumentFactory
from tests.factories.strategies import DeploymentFactory, StrategyVersionFactory
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.capabilities import capabilities_of
from tests.venues.loopback.gateway import LoopbackGateway
from tests.venues.loopback.process import LoopbackVenue, loopback_venue

D = Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an order can be: an account, an instrument, and who asked (None: by hand)."""

    account: TradingAccount
    instrument: Instrument
    deployment: Deployment | None

    @property
    def strategy_name(self) -> str:
        return self.deployment.version.name if self.deployment else ""

    def __str__(self) -> str:
        owner = self.deployment.name if self.deployment else "by hand"
        return f"{self.account} {self.instrument} {owner}"


class SwitchDesk:
    """Writes orders down and sends them, as a worker of the account would."""

    def __init__(self, venue: LoopbackVenue) -> None:
        self.venue = venue
        self.first: TradingAccount = TradingAccountFactory(
            name="first", broker="BYBIT", mode="TEST"
        )
        self.second: TradingAccount = TradingAccountFactory(
            name="second", broker="BYBIT", mode="TEST"
        )
        terms: dict[str, Any] = {"venue": "BYBIT", "lot_size": D(1), "minimum_notional": D(0)}
        self.gold: Instrument = InstrumentFactory(symbol="BYBIT:GOLD", **terms)
        self.iron: Instrument = InstrumentFactory(symbol="BYBIT:IRON", **terms)
        fast, slow = StrategyVersionFactory(name="fast"), StrategyVersionFactory(name="slow")
        running = DeploymentState.RUNNING.value
        self.one: Deployment = DeploymentFactory(
            name="one", account=self.first, version=fast, state=running
        )
        self.two: Deployment = DeploymentFactory(
            name="two", account=self.first, version=slow, state=running
        )
        self.three: Deployment = DeploymentFactory(
            name="three", account=self.second, version=fast, state=running
        )
        self.places = [
            Place(account=account, instrument=instrument, deployment=deployment)
            for instrument in (self.gold, self.iron)
            for account, deployment in (
                *((self.first, None), (self.first, self.one), (self.first, self.two)),
                *((self.second, None), (self.second, self.three)),
            )
        ]
        self._keys = count(1)
        for instrument in (self.gold, self.iron):
            self.price(instrument, 100)
        for account in (self.first, self.second):
            assert self.reconcile(account).result == ReconciliationRun.Result.MATCHED

    def price(self, instrument: Instrument, last: int, **terms: Any) -> None:
        """Move the market at the venue, and let the desk see it."""
        self.venue.price(instrument.symbol, last, **terms)
        quote_record(
            instrument=instrument,
            quote=QuoteView(last=D(last)),
            source="TICKER",
            quoted_at=wall_now(),
        )

    def intend(
        self, place: Place, *, quantity: int = 1, price: int | None = 90, side: Side = Side.BUY
    ) -> Order:
        """Write an order down as a gate that allowed it would have; no price: at market."""
        return order_create(
            account=place.account,
            instrument=place.instrument,
            deployment=place.deployment,
            plan=OrderPlan(
                key=f"order-{next(self._keys)}",
                decided_at=wall_now(),
                side=side,
                role=OrderRole.ENTRY,
                order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
                quantity=D(quantity),
                limit_price=None if price is None else D(price),
            ),
        )

    def send(self, order: Order) -> bool:
        """Send an order by the ordinary path: claimed under a lease, then written."""
        epoch = account_lease_acquire(account=order.account, holder=holder_name())
        assert epoch is not None
        try:
            run = account_run_open(account=order.account, epoch=epoch)
            return order_send(run=run, order=order)
        finally:
            account_lease_release(account_id=order.account_id, epoch=epoch)

    def place(self, place: Place, **terms: Any) -> Order:
        """Send a new order and take in what came of it."""
        order = self.intend(place, **terms)
        self.send(order)
        self.intake(place.account)
        order.refresh_from_db()
        return order

    def intake(self, account: TradingAccount) -> None:
        reports_intake(account=account, gateway=gateway_for(account))

    def engage(self, **scope: Any) -> KillSwitch:
        return kill_switch_engage(**{"actor": None, "reason": "runaway", **scope})

    def stop(self, *, patience: float = 20, **scope: Any) -> KillSwitch:
        """Engage, and carry it out."""
        return kill_switch_carry_out(switch=self.engage(**scope), patience_seconds=patience)

    def working(self, account: TradingAccount) -> set[str]:
        """Return the ids of what works at the venue, by its own word."""
        return {report.client_order_id for report in gateway_for(account).order_list_open()}

    def net(self, account: TradingAccount) -> dict[str, Decimal]:
        """Return what the venue says is held."""
        return {row.symbol: row.quantity for row in gateway_for(account).position_list()}

    def held(self, place: Place) -> Decimal:
        """Return what our books say that the place's owner holds."""
        return position_quantity(
            account=place.account, instrument=place.instrument, deployment=place.deployment
        )

    def reconcile(self, account: TradingAccount) -> ReconciliationRun:
        return reconciliation_run(
            account=account,
            gateway=gateway_for(account),
            trigger=ReconciliationRun.Trigger.COMMAND,
        )

    def matches(self) -> bool:
        runs = [self.reconcile(account) for account in (self.first, self.second)]
        return all(run.result == ReconciliationRun.Result.MATCHED for run in runs)

    def sent(self) -> int:
        """Count the orders that have reached the venue, in its journal."""
        return len(list(self.venue.journal().requests("PLACE")))


@contextmanager
def switch_desk(
    folder: Path, *, takes_market: bool = True, **settings: Any
) -> Iterator[SwitchDesk]:
    """Run a venue and a desk on it.

    Args:
        takes_market: Whether the venue takes market orders from programs.
        settings: Of the venue.
    """
    with loopback_venue(folder / "journal", opening_cash="0", **settings) as venue:
        capabilities = capabilities_of(venue.settings(), market_orders_by_algo=takes_market)

        def adapter(account: TradingAccount) -> LoopbackGateway:
            return LoopbackGateway(account, base_url=venue.url, capabilities=capabilities)

        with loopback_installed(adapter):
            yield SwitchDesk(venue)
