"""Accounts of their own at the loopback venue, each traded once and then left alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from apps.accounts.models import TradingAccount
from apps.core.clock import wall_now
from apps.execution.runner import TickResult
from apps.marketdata.domain.timeframes import Timeframe
from apps.orders.domain.types import OrderRole, OrderType, Side
from apps.orders.models import Order
from apps.orders.services import OrderPlan, order_create
from apps.strategies.models import Deployment, DeploymentState
from tests.execution.by_hand import HandDesk
from tests.execution.chain import bars_of, bars_store, deployment_running, tick
from tests.proofs.crash.worker import Kill, WorkerStart, worker_run
from tests.venues.loopback.bootstrap import loopback_installed
from tests.venues.loopback.capabilities import capabilities_dump, capabilities_of
from tests.venues.loopback.gateway import CAPABILITIES_VARIABLE, URL_VARIABLE
from tests.venues.loopback.process import LoopbackVenue, loopback_venue
from tests.venues.loopback.terms import VenueSettings

ABSENCE_SECONDS = 0.3
"""How long this venue must keep saying that it has no such order."""

TIMEFRAME = "1d"
"""The newest bar of a day is fresh all day."""


class Lane(HandDesk):
    """One account, which people trade, or a deployment, or both."""

    def __init__(self, venue: LoopbackVenue, *, start: WorkerStart = worker_run) -> None:
        """Open the account, and move its market to 100.

        Args:
            start: Lets a worker's process work it.
        """
        super().__init__(venue)
        self._start = start
        self.deployment: Deployment | None = None

    def deploy(self, **parameters: Any) -> Deployment:
        """Let a strategy run that has dealt with every bar until yesterday's."""
        self.deployment = deployment_running(
            account=self.account,
            instruments=[self.instrument],
            name=f"crash-{self.account.pk}",
            timeframe=TIMEFRAME,
            start=self._yesterday,
            size="10",
            **parameters,
        )
        return self.deployment

    def intend(self, *, limit_price: int | None = None) -> Order:
        """Write an entry of the deployment down and send it, as if an earlier bar had asked."""
        assert self.deployment is not None
        order = order_create(
            account=self.account,
            instrument=self.instrument,
            deployment=self.deployment,
            plan=OrderPlan(
                key="earlier",
                decided_at=wall_now(),
                side=Side.BUY,
                role=OrderRole.ENTRY,
                order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
                quantity=Decimal(10),
                limit_price=None if limit_price is None else Decimal(limit_price),
            ),
        )
        assert tick(self.deployment) is TickResult.DONE
        return order

    def close(self, price: str) -> None:
        """Let yesterday's bar be finished at a price, which tells the strategy what to be."""
        assert self.deployment is not None
        bars = bars_of(price, timeframe=TIMEFRAME, start=self._yesterday)
        bars_store(self.deployment, bars)

    def execute(self, leg: str, quantity: int) -> None:
        """Let the venue fill part of a leg; the desk has not heard of it."""
        order = self.account.orders.get(leg=leg)
        self.venue.control(
            "fill",
            account=self.account.name,
            client_order_id=order.client_order_id,
            quantity=str(quantity),
            price=str(order.limit_price or order.stop_price),
        )

    def run(self, kill: Kill | None = None) -> bool:
        """Let a worker's process work the lane; True when it was killed."""
        deployment_id = None if self.deployment is None else self.deployment.pk
        return self._start(account_id=self.account.pk, deployment_id=deployment_id, kill=kill)

    def leave(self) -> None:
        """Let nobody work it any more."""
        TradingAccount.objects.filter(pk=self.account.pk).update(is_active=False)
        if self.deployment is not None:
            stopped = DeploymentState.STOPPED.value
            Deployment.objects.filter(pk=self.deployment.pk).update(state=stopped)

    @property
    def _yesterday(self) -> datetime:
        return Timeframe.D1.open_of(wall_now()) - timedelta(days=1)


@contextmanager
def crash_venue(folder: Path) -> Iterator[LoopbackVenue]:
    """Run a venue at which every account of Bybit's is held, with no cash of its own.

    Workers learn of it from the environment.
    """
    folder.mkdir(exist_ok=True)
    capabilities = capabilities_of(VenueSettings(), absence_window_seconds=ABSENCE_SECONDS)
    with loopback_venue(folder / "journal", opening_cash="0") as venue:
        known = {
            URL_VARIABLE: venue.url,
            CAPABILITIES_VARIABLE: capabilities_dump(capabilities),
        }
        with patch.dict(os.environ, known), loopback_installed():
            yield venue
